import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeMonitoringFiles } from './monitoring-files.ts';

for (const [path, text] of await writeMonitoringFiles('.')) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  console.log(path);
}
