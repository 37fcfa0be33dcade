import type { RequestBounds } from '@juice/contracts';
import { failureAnywhere, failureExamples, groupFailures, type FailureGroup } from './failures.ts';
import {
  answerHeaders,
  parameterExamples,
  paceHeaders,
  pathParameters,
  requestHeaders,
  type AnyAnswerHeader,
} from './parameters.ts';
import { namesIn, refusalsOf, routeGroups, type Examples, type Route } from './route.ts';
import { routes } from './routes.ts';
import { refTo, writeSchema, writeSchemas, type Json } from './schemas.ts';

/** The API in OpenAPI 3.1, with an operator's limits. 64-bit ids in its examples are bigints: write it with `writeExactJson`. */
export function createDocument(bounds: RequestBounds): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = (paths[route.path] ??= {});
    path[route.method] = writeOperation(route);
  }
  return {
    openapi: '3.1.1',
    info: {
      ...{ title: 'Juice', version: '1', summary: 'One-shot tasks on Apache Mesos, for many tenants.' },
      ...{ license: { name: 'Apache 2.0', identifier: 'Apache-2.0' }, description: introduction },
    },
    servers: [{ url: '/', description: 'Where this document is from.' }],
    tags: Object.entries(routeGroups).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: writeSchemas(bounds),
      headers: Object.fromEntries(Object.entries(answerHeaders).map(writeAnswerHeader)),
      examples: Object.fromEntries(
        Object.entries(failureExamples()).map(([reason, { says, value }]) => [reason, { summary: says, value }]),
      ),
      securitySchemes,
    },
  };
}

const introduction = [
  'Every answer is JSON in an envelope: `{"status":0,"message":"OK","data":…}`, or, for a failure,',
  '`{"status":<negative code>,"message":"…","details":[…],"requestId":"…"}`. Members may be added: pass over those you do not know.',
  'Ids of tasks are 64-bit integers: where numbers are doubles, read the member whose name ends in `Str` beside them.',
  'Every path that has GET also has HEAD, unless it streams. What is another tenant’s is answered like what does not exist.',
].join(' ');

const securitySchemes = {
  tenantHeader: {
    ...{ type: 'apiKey', in: 'header', name: 'X-Tenant-Id' },
    description: 'The tenant, where the service believes it (`JUICE_AUTH=header`). With a key it may be left out.',
  },
  tenantKey: {
    ...{ type: 'http', scheme: 'bearer', bearerFormat: 'jk_<keyId>_<secret>' },
    description: 'A key of the tenant (`JUICE_AUTH=api-key`).',
  },
  adminKey: {
    ...{ type: 'http', scheme: 'bearer', bearerFormat: 'jk_<keyId>_<secret>' },
    description: 'An admin key, or `JUICE_ADMIN_KEY`.',
  },
};
const security: Readonly<Record<Route['caller'], readonly Json[]>> = {
  tenant: [{ tenantHeader: [] }, { tenantKey: [] }],
  admin: [{ adminKey: [] }],
  anybody: [],
};

function writeOperation(route: Route): Json {
  const { id, group, summary, about, caller, body } = route;
  return {
    ...{ operationId: id, tags: [group], summary, ...(about !== undefined && { description: about }) },
    security: security[caller],
    parameters: writeParameters(route),
    ...(body !== undefined && {
      requestBody: {
        required: body.isOptional !== true,
        content: { 'application/json': { schema: refTo(body.schema), examples: writeExamples(body.examples) } },
      },
    }),
    responses: {
      ...writeSuccess(route),
      ...Object.fromEntries(groupFailures(refusalsOf(route)).map((one) => [one.status, writeFailure(one)])),
      default: writeFailure(failureAnywhere),
    },
  };
}

function writeParameters({ path, query = [], headers = [] }: Route): readonly Json[] {
  const inQuery = query.flatMap((schema) => {
    const { properties, required = [] } = writeSchema(schema) as {
      properties: Record<string, Json>;
      required?: readonly string[];
    };
    return Object.entries(properties).map(([name, written]) =>
      writeParameter('query', name, written, required.includes(name)),
    );
  });
  return [
    ...namesIn(path).map((name) => writeParameter('path', name, writeNamed(pathParameters, name), true)),
    ...inQuery,
    ...[...headers, 'X-Request-Id'].map((name) =>
      writeParameter('header', name, writeNamed(requestHeaders, name), false),
    ),
  ];
}

function writeNamed(schemas: Readonly<Record<string, Parameters<typeof writeSchema>[0]>>, name: string): Json {
  const schema = schemas[name];
  if (schema === undefined) throw new RangeError(`nothing is said of the parameter ${name}`);
  return writeSchema(schema);
}

function writeParameter(place: string, name: string, written: Json, required: boolean): Json {
  const { description, ...schema } = written;
  const example = parameterExamples[name];
  return { name, in: place, required, ...(description !== undefined && { description }), schema, example };
}

function writeSuccess({ answer, caller }: Route): Record<string, Json> {
  if ('plain' in answer) {
    const entries = Object.entries(answer.plain).map(([status, { says, type, example }]) => {
      if (type === undefined) return [status, { description: says, headers: writeHeaders([]) }] as const;
      const [mediaType = type] = type.split(';');
      const schema = { type: typeof example === 'string' ? 'string' : 'object' };
      const content = { [mediaType]: { schema, examples: writeExamples({ [says]: example }) } };
      return [status, { description: says, headers: writeHeaders([]), content }] as const;
    });
    return Object.fromEntries(entries);
  }
  const data = answer.data.map(refTo);
  const schema = {
    type: 'object',
    properties: {
      status: { type: 'integer', const: 0 },
      message: { type: 'string', const: 'OK' },
      data: data.length === 1 ? data[0] : { anyOf: data },
    },
    required: ['status', 'message', 'data'],
  };
  const whole = Object.entries(answer.examples).map(([says, data]) => [says, { status: 0, message: 'OK', data }]);
  const content = { 'application/json': { schema, examples: writeExamples(Object.fromEntries(whole) as Examples) } };
  const headers = [...(answer.headers ?? []), ...(caller === 'tenant' ? paceHeaders : [])];
  return { 200: { description: 'Done.', headers: writeHeaders(headers), content } };
}

function writeFailure({ says, headers, reasons }: FailureGroup): Json {
  const examples = Object.fromEntries(reasons.map((reason) => [reason, { $ref: `#/components/examples/${reason}` }]));
  const content = { 'application/json': { schema: refTo('Failure'), examples } };
  return { description: says, headers: writeHeaders(headers), content };
}

function writeHeaders(names: readonly AnyAnswerHeader[]): Json {
  return Object.fromEntries(
    ['X-Request-Id' as const, ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

function writeAnswerHeader([name, { about, example }]: [string, (typeof answerHeaders)[AnyAnswerHeader]]) {
  return [name, { description: about, schema: { type: 'string' }, example }] as const;
}

/** Names of examples are keys of the document, which may have no blanks: `by-their-ids`, with the words as the summary. */
function writeExamples(examples: Examples): Json {
  return Object.fromEntries(
    Object.entries(examples).map(([says, value]) => [says.replaceAll(/[^A-Za-z0-9]+/g, '-'), { summary: says, value }]),
  );
}
