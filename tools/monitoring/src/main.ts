import { writeFile } from 'node:fs/promises';
import { writeMonitoringFiles } from './monitoring-files.ts';

for (const [path, text] of await writeMonitoringFiles('.')) {
  await writeFile(path, text);
  console.log(path);
}
