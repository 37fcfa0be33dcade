import { writeExactJson } from '@juice/contracts';
import type { Json } from './schemas.ts';

/** A piece of the written reference; what is in backticks is code. */
export type Block =
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3 | 4; readonly text: string; readonly anchor?: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'example'; readonly title: string; readonly text: string };

/** The reference in words, made of the document alone: the page and the file in docs/ are two ways to write it. */
export function outline(document: Json): readonly Block[] {
  const { info, tags, paths, components } = document as unknown as Document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  return [
    { kind: 'heading', level: 1, text: 'HTTP API reference' },
    text(info.description),
    ...operations.slice(0, 1).map(({ operation }) => text(operation.responses['default']?.description ?? '')),
    { kind: 'table', head: ['shown by', ''], rows: Object.values(components.securitySchemes).map(credential) },
    ...tags.flatMap((tag): Block[] => [
      { kind: 'heading', level: 2, text: tag.name },
      text(tag.description),
      ...operations
        .filter(({ operation }) => operation.tags.includes(tag.name))
        .flatMap((one) => outlineOperation(one, components)),
    ]),
    { kind: 'heading', level: 2, text: 'Schemas' },
    ...Object.entries(components.schemas).flatMap(([name, schema]): Block[] => [
      { kind: 'heading', level: 3, text: name, anchor: anchorOf(name) },
      ...outlineSchema(schema),
    ]),
  ];
}

interface Document {
  readonly info: { readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Components;
}
interface Components {
  readonly schemas: Readonly<Record<string, Schema>>;
  readonly headers: Readonly<Record<string, { readonly description: string }>>;
  readonly examples: Readonly<Record<string, { readonly value: unknown }>>;
  readonly securitySchemes: Readonly<Record<string, { type: string; name?: string; description: string }>>;
}
interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Json[];
  readonly parameters: readonly { name: string; in: string; required: boolean; description?: string; schema: Schema }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Response>>;
}
interface Response {
  readonly description: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly content?: Content;
}
type Content = Readonly<
  Record<string, { schema: Schema; examples: Record<string, { summary?: string; value?: unknown; $ref?: string }> }>
>;
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

const text = (of: string): Block => ({ kind: 'text', text: of });

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly Block[] {
  return rows.length === 0 ? [] : [{ kind: 'table', head, rows }];
}

function credential({ type, name, description }: Components['securitySchemes'][string]): readonly string[] {
  return [type === 'apiKey' ? `header \`${name}\`` : 'header `Authorization: Bearer …`', description];
}

function outlineOperation(
  { path, method, operation }: { path: string; method: string; operation: Operation },
  components: Components,
): readonly Block[] {
  const { requestBody, parameters, responses } = operation;
  const by = operation.security.length === 0 ? 'Anybody may ask.' : callers(operation.security, components);
  const success = Object.entries(responses).filter(([status]) => status.startsWith('2'));
  return [
    { kind: 'heading', level: 3, text: `${method} ${path}`, anchor: anchorOf(operation.operationId) },
    text([`${operation.summary}.`, operation.description, by].filter((one) => one !== undefined).join(' ')),
    ...table(['parameter', 'in', ''], parameters.filter(({ name }) => name !== 'X-Request-Id').map(parameterRow)),
    ...(requestBody === undefined ? [] : outlineBody(requestBody)),
    ...table(
      ['status', 'headers', ''],
      // What holds for all of them is said once, before the first.
      Object.entries(responses)
        .filter(([status]) => status !== 'default')
        .map(responseRow),
    ),
    ...success.flatMap(([status, { content = {} }]) => examplesOf(content, `${status}: `)),
  ];
}

function callers(security: readonly Json[], { securitySchemes }: Components): string {
  const ways = security.flatMap((one) => Object.keys(one));
  return ways.every((way) => way in securitySchemes && way === 'adminKey') ? 'Needs an admin key.' : 'For tenants.';
}

function parameterRow({ name, in: place, required, description = '', schema }: Operation['parameters'][number]) {
  const need = required ? 'Required. ' : '';
  return [`\`${name}\``, place, `${need}${description} ${limitsOf(schema)}`.trim()];
}

function outlineBody({ required, content }: NonNullable<Operation['requestBody']>): readonly Block[] {
  const [schema] = Object.values(content).map((one) => one.schema);
  const need = required ? '' : ' It may be left out.';
  return [text(`Body: ${schema === undefined ? '' : typeOf(schema)}.${need}`), ...examplesOf(content, 'Body: ')];
}

/** The headers that all answers have are not named. */
function responseRow([status, { description, headers, content = {} }]: [string, Response]): readonly string[] {
  const schemas = Object.values(content).map(({ schema }) => typeOf(schema.properties?.['data'] ?? schema));
  const named = Object.keys(headers).filter((name) => name !== 'X-Request-Id');
  const what = !status.startsWith('2') ? '' : ` \`data\`: ${schemas.join(', ')}.`;
  const isPlain = Object.values(content).some(({ schema }) => schema.properties === undefined);
  return [status, named.map((name) => `\`${name}\``).join(', '), description + (isPlain ? '' : what)];
}

function examplesOf(content: Content, prefix: string): readonly Block[] {
  return Object.values(content).flatMap(({ examples }) =>
    Object.values(examples).map(({ summary = '', value }): Block => {
      const written = typeof value === 'string' ? value : indent(writeExactJson(value));
      return { kind: 'example', title: `${prefix}${summary}`, text: written };
    }),
  );
}

/** JSON text in lines; strings and numbers stay as they are, also those that a double cannot hold. */
function indent(json: string): string {
  let depth = 0;
  const line = (): string => `\n${'  '.repeat(depth)}`;
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|\[\]|\{\}|[{}[\],:]/g, (token) => {
    if (token === '{' || token === '[') return ((depth += 1), token + line());
    if (token === '}' || token === ']') return ((depth -= 1), line() + token);
    if (token === ',') return token + line();
    return token === ':' ? ': ' : token;
  });
}

function outlineSchema(schema: Schema): readonly Block[] {
  const about = [schema.description, schema.properties === undefined ? `${typeOf(schema)}.` : undefined];
  return [
    ...about.filter((one) => one !== undefined).map(text),
    ...table(['member', 'type', ''], memberRows(schema, '')),
  ];
}

/** A row for each member, those of objects inside it after it. */
function memberRows({ properties = {}, required = [] }: Schema, prefix: string): readonly (readonly string[])[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const member = `${prefix}${name}`;
    const need = required.includes(name) ? 'Required. ' : '';
    const { description = '' } = schema;
    const row = [`\`${member}\``, typeOf(schema), `${need}${description} ${limitsOf(schema)}`.trim()];
    return [row, ...alternatives(schema).flatMap((one) => insideOf(one, member))];
  });
}

function insideOf(schema: Schema, member: string): readonly (readonly string[])[] {
  if (schema.items !== undefined) return alternatives(schema.items).flatMap((one) => insideOf(one, `${member}[]`));
  return memberRows(schema, `${member}.`);
}

/** What a value may be, null left aside: it is as if the member were not there. Of a list's elements first. */
function alternatives(schema: Schema): readonly Schema[] {
  const all = schema.anyOf?.flatMap(alternatives) ?? [schema];
  return all.filter((one) => one.type !== 'null');
}

function typeOf(schema: Schema): string {
  const names = alternatives(schema).map((one) => {
    if (one.$ref !== undefined) return `[${nameOf(one.$ref)}](#${anchorOf(nameOf(one.$ref))})`;
    if (one.const !== undefined) return `\`${JSON.stringify(one.const)}\``;
    if (one.items !== undefined) return `list of ${typeOf(one.items)}`;
    const { type = 'anything' } = one;
    const plain = (typeof type === 'string' ? [type] : type).filter((each) => each !== 'null').join(' or ');
    if (one.format === 'int64') return '64-bit integer';
    return one.format === 'date-time' ? 'instant (ISO 8601)' : plain;
  });
  const isNullable = JSON.stringify(schema.anyOf ?? schema.type ?? '').includes('"null"');
  return [...new Set(names)].join(' or ') + (isNullable ? ' or null' : '');
}

function limitsOf(schema: Schema): string {
  return alternatives(schema)
    .map((one) => {
      if (one.enum !== undefined) return `One of ${one.enum.map((word) => `\`${String(word)}\``).join(', ')}.`;
      const { minimum: least, maximum: most, maxLength, maxItems } = one;
      if (least !== undefined && most !== undefined) return `${least} to ${most}.`;
      if (most !== undefined) return `At most ${most}.`;
      if (maxItems !== undefined) return `At most ${maxItems}.`;
      return maxLength === undefined ? '' : `At most ${maxLength} characters.`;
    })
    .filter((one) => one !== '')
    .join(' ');
}

function nameOf(ref: string): string {
  return ref.slice(ref.lastIndexOf('/') + 1);
}

/** As GitHub makes them of a heading. */
function anchorOf(name: string): string {
  return name.toLowerCase();
}
