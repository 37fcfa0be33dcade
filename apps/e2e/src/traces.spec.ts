import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startCollector, type CollectedSpan, type Collector } from '@juice/observability/testing';
import { until } from '@juice/trial';
import { startTrialRun, type TrialRun } from './trial-run.ts';

const caller = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

let collector: Collector;
let run: TrialRun;
beforeAll(async () => {
  collector = await startCollector();
  const refused = new Set<string>();
  run = await startTrialRun({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test' },
    // The first try of each state is refused.
    answer: ({ id }) => (refused.has(id) ? 200 : (refused.add(id), 503)),
  });
}, 90_000);
afterAll(async () => {
  await run.close();
  await collector.close();
}, 30_000);

async function submit(traceparent: string, task: Readonly<Record<string, unknown>>): Promise<void> {
  const answer = await fetch(`${run.juice().url}/v1/tasks?token=secret`, {
    method: 'POST',
    headers: { 'X-Tenant-Id': 'e2e', 'Content-Type': 'application/json', traceparent },
    body: JSON.stringify({ taskName: 'traced', callbackUrl: `${run.receiver.url}?token=secret`, ...task }),
  });
  expect(answer.status).toBe(200);
}

test('a submission is one trace, from the request over waits and attempts to each try of its callbacks', async () => {
  await submit(`00-${caller.traceId}-${caller.spanId}-01`, { commands: 'exit 3', retry: 1 });
  await submit(`00-${'a'.repeat(32)}-${caller.spanId}-00`, { commands: 'true' });
  const ours = (): CollectedSpan[] => collector.spans.filter(({ traceId }) => traceId === caller.traceId);
  const tries = (): CollectedSpan[] => ours().filter(({ name }) => name === 'POST');
  const isWhole = (): boolean =>
    ours().filter(({ name }) => name === 'task attempt').length === 2 &&
    tries().some(({ attributes }) => {
      return attributes['juice.callback.state'] === 'FAILED' && attributes['juice.callback.outcome'] === 'delivered';
    });
  await until('the trace to be whole', isWhole, { withinMs: 60_000 });

  const [request, ...others] = ours().filter(({ name }) => name === 'POST /v1/tasks');
  expect(others).toEqual([]);
  expect(request).toMatchObject({
    service: 'juice-api',
    resource: { 'deployment.environment.name': 'test' },
    kind: 2,
    parentSpanId: caller.spanId,
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/v1/tasks',
      'http.response.status_code': 200,
      'url.path': '/v1/tasks',
      'juice.tenant.id': 'e2e',
    },
    status: 0,
  });
  const below = ours().filter((span) => span !== request);
  expect(new Set(below.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([request?.spanId]));
  expect(new Set(ours().map(({ spanId }) => spanId)).size).toBe(ours().length);

  const story = below
    .filter(({ service }) => service === 'juice-scheduler')
    .sort((a, b) => Number(a.startNs - b.startNs));
  expect(story.map(({ name, status, attributes }) => [name, attributes['juice.task.attempt'], status])).toEqual([
    ['task wait', 1, 0],
    ['task attempt', 1, 2],
    ['task wait', 2, 0],
    ['task attempt', 2, 2],
  ]);
  // Each begins where the one before it ends.
  for (const [at, span] of story.entries()) if (at > 0) expect(span.startNs).toBe(story[at - 1]?.endNs);
  expect(story[1]?.attributes).toMatchObject({ 'juice.task.outcome': 'TASK_FAILED', 'juice.task.exit_code': 3 });

  expect(tries().every(({ service, kind }) => service === 'juice-callback' && kind === 3)).toBe(true);
  const refusals = tries().filter(({ attributes }) => attributes['http.response.status_code'] === 503);
  expect(refusals.length).toBeGreaterThan(0);
  for (const span of refusals) expect(span).toMatchObject({ status: 2, attributes: { 'error.type': '503' } });
  // The caller's word that a trace is not recorded is kept, and no query is told.
  expect(collector.spans.filter(({ traceId }) => traceId === 'a'.repeat(32))).toEqual([]);
  expect(collector.spans.filter((span) => /secret/.test(JSON.stringify(span.attributes)))).toEqual([]);
}, 90_000);
