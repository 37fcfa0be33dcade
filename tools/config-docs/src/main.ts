import { writeFile } from 'node:fs/promises';
import { writeConfigDocs } from './config-docs.ts';

for (const [path, text] of await writeConfigDocs()) {
  await writeFile(path, text);
  console.log(path);
}
