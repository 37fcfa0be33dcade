import { boundsOf, createDocument, defaultApiOptions, writeMarkdown } from '@juice/api';
import { format } from 'prettier';

const origin = 'Generated from apps/api/src/reference by `npx nx run api-docs:write`.';
const around = [
  'By example: [README](../README.md#the-api-by-example) and [task routes beyond the original’s](http-api.md). A running service has this',
  'at `/docs`, and as OpenAPI 3.1 at `/openapi.json`, with the limits that its operator has set; here they are the defaults.',
].join(' ');

/** Every file that follows from the api's list of routes: path from the root → text. */
export async function writeApiDocs(): Promise<ReadonlyMap<string, string>> {
  const document = createDocument(boundsOf(defaultApiOptions()));
  const [title = '', ...rest] = writeMarkdown(document).split('\n\n');
  const page = [`<!-- ${origin} -->`, title, around, ...rest].join('\n\n');
  return new Map([['docs/http-api-reference.md', await format(page, { parser: 'markdown', printWidth: 120 })]]);
}
