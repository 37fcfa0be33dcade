import { describe, expect, test } from '@jest/globals';
import { successAnswer } from '@juice/contracts';
import { bounds, createApiFixture } from '../../testing/api-fixture.ts';
import { strictly } from '../../testing/strictly.ts';
import type { App } from '../app.ts';
import { failureExamples } from './failures.ts';
import { parameterExamples } from './parameters.ts';
import { namesIn } from './route.ts';
import { routes } from './routes.ts';
import { answerSchemas, requestSchemas } from './schemas.ts';

/** What Express keeps of its routes; `_all`: any method. */
interface Layer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle: { readonly stack?: readonly Layer[] };
}

/** The routes that an application has: `get /v1/tasks/{taskId}`; where a router takes any method: the path alone. */
function routesOf(app: App): ReadonlySet<string> {
  const visit = ({ route, handle }: Layer): string[] => {
    if (route === undefined) return (handle.stack ?? []).flatMap(visit);
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    const methods = Object.keys(route.methods).filter((method) => method !== '_all');
    return methods.length === 0 ? [path] : methods.map((method) => `${method} ${path}`);
  };
  return new Set((app.router.stack as unknown as readonly Layer[]).flatMap(visit));
}

describe('the list of routes', () => {
  const inApp = routesOf(createApiFixture().app);
  const listed = routes.map(({ method, path }) => `${method} ${path}`);

  test('has every route of the application', () => {
    const paths = new Set(routes.map(({ path }) => path));
    // A HEAD of its own is there to be refused: where GET streams.
    const missing = [...inApp].filter((one) => !listed.includes(one) && !paths.has(one) && !one.startsWith('head '));
    expect(missing).toEqual([]);
  });

  test('has no route that the application does not have, and none twice', () => {
    expect(listed.filter((one) => !inApp.has(one))).toEqual([]);
    expect(new Set(listed).size).toBe(listed.length);
    expect(new Set(routes.map(({ id }) => id)).size).toBe(routes.length);
  });

  test('what is looked at is an application with routes', () => {
    expect(inApp.size).toBeGreaterThan(25);
    expect(inApp).toContain('get /v1/tasks/{taskId}');
  });
});

describe.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))('%s', (_, route) => {
  test('names in its path have examples', () => {
    for (const name of namesIn(route.path)) expect(parameterExamples).toHaveProperty(name);
  });

  const { body, answer } = route;
  if (body !== undefined) {
    test.each(Object.entries(body.examples))('the body of "%s" is right', (_name, example) => {
      expect(requestSchemas(bounds)[body.schema].safeParse(example)).toMatchObject({ success: true });
    });
  }

  if ('data' in answer) {
    test.each(Object.entries(answer.examples))(
      'the answer of "%s" is right, without a member too many',
      (_name, data) => {
        const fitting = answer.data.filter((name) => strictly(answerSchemas[name]).safeParse(data).success);
        expect(fitting).toHaveLength(1);
      },
    );

    test('every schema of its answer has an example', () => {
      const all = Object.values(answer.examples);
      for (const name of answer.data) {
        const schema = successAnswer(strictly(answerSchemas[name]));
        expect(all.filter((data) => schema.safeParse({ status: 0, message: 'OK', data }).success)).not.toEqual([]);
      }
    });
  }
});

test('the examples of failures are right', () => {
  for (const { value } of Object.values(failureExamples())) strictly(answerSchemas.Failure).parse(value);
});
