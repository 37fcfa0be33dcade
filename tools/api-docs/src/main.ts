import { writeFile } from 'node:fs/promises';
import { writeApiDocs } from './api-docs.ts';

for (const [path, text] of await writeApiDocs()) {
  await writeFile(path, text);
  console.log(path);
}
