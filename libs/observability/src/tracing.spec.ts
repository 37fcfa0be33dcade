import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startCollector, type Collector } from '../testing/index.ts';
import {
  createLogger,
  createTracing,
  noTracing,
  parseTraceparent,
  type Tracing,
  type TracingSettings,
} from './index.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const sampled = `00-${traceId}-${spanId}-01`;
const unsampled = `00-${traceId}-${spanId}-00`;

let collector: Collector;
let logged: PassThrough;
beforeEach(async () => {
  collector = await startCollector();
  logged = new PassThrough();
});
afterEach(() => collector.close());

function traced(settings: TracingSettings = {}): Promise<Tracing> {
  const log = createLogger({ service: 'api', level: 'debug', stream: logged });
  return createTracing({ service: 'api', settings: { otelEndpoint: collector.url, ...settings }, log });
}

const isSampled = (traceparent: string): boolean | undefined => parseTraceparent(traceparent)?.isSampled;
const span = { name: 'work', kind: 'internal', startMs: 1_000.25, endMs: 2_500, attributes: {}, error: null } as const;

test.each<TracingSettings>([{ otelEndpoint: undefined }, { otelDisabled: true }, { otelExporter: 'none' }])(
  'is off with %j',
  async (settings) => {
    expect(await traced(settings)).toBe(noTracing);
    expect(noTracing.begin(unsampled)).toMatch(new RegExp(`^00-${traceId}-(?!${spanId})[0-9a-f]{16}-00$`));
  },
);

test('a span is sent with the ids that were passed on, its times, and what is said of the service', async () => {
  const tracing = await traced();
  const traceparent = tracing.begin(sampled);
  const attributes = { 'juice.task.id': '1', 'http.response.status_code': 503, left: undefined };
  tracing.record({ ...span, kind: 'client', traceparent, parent: sampled, attributes, error: '503' });
  await tracing.close();
  expect(collector.spans).toEqual([
    {
      service: 'juice-api',
      resource: expect.objectContaining({ 'telemetry.sdk.language': 'nodejs' }),
      name: 'work',
      kind: 3,
      traceId,
      spanId: parseTraceparent(traceparent)?.spanId,
      parentSpanId: spanId,
      startNs: 1_000_250_000n,
      endNs: 2_500_000_000n,
      attributes: { 'juice.task.id': '1', 'http.response.status_code': 503, 'error.type': '503' },
      status: 2,
    },
  ]);
});

test('the endpoint of traces is taken as it is', async () => {
  const tracing = await traced({
    otelEndpoint: 'http://127.0.0.1:1',
    otelTracesEndpoint: `${collector.url}/v1/traces`,
  });
  tracing.record({ ...span, traceparent: tracing.begin(null), parent: null });
  await tracing.close();
  expect(collector.spans).toMatchObject([{ name: 'work', parentSpanId: undefined }]);
});

describe('which traces are recorded', () => {
  test.each([
    ['parentbased_always_on', true, false, true],
    ['parentbased_always_off', true, false, false],
    ['parentbased_traceidratio', true, false, false],
    ['always_on', true, true, true],
    ['always_off', false, false, false],
    ['traceidratio', false, false, false],
  ] as const)('%s, a ratio of 0', async (otelSampler, ofSampled, ofUnsampled, ofNone) => {
    const tracing = await traced({ otelSampler, otelSamplerArg: 0 });
    const begun = [tracing.begin(sampled), tracing.begin(unsampled), tracing.begin(null)];
    expect(begun.map(isSampled)).toEqual([ofSampled, ofUnsampled, ofNone]);
    for (const traceparent of begun) tracing.record({ ...span, traceparent, parent: null });
    await tracing.close();
    expect(collector.spans).toHaveLength([ofSampled, ofUnsampled, ofNone].filter(Boolean).length);
  });

  test('a ratio is one of traces: who continues one decides alike', async () => {
    const [here, there] = [await traced(half), await traced(half)];
    const begun = Array.from({ length: 200 }, () => here.begin(null));
    expect(new Set(begun.map(isSampled))).toEqual(new Set([true, false]));
    expect(begun.map((traceparent) => isSampled(there.begin(traceparent)))).toEqual(begun.map(isSampled));
    await Promise.all([here.close(), there.close()]);
  });
  const half: TracingSettings = { otelSampler: 'traceidratio', otelSamplerArg: 0.5 };
});

test('a collector that refuses is told of once, and costs neither an error nor a stop', async () => {
  collector.answer(400);
  const tracing = await traced();
  for (let count = 0; count < 600; count += 1)
    tracing.record({ ...span, traceparent: tracing.begin(null), parent: null });
  await tracing.close();
  tracing.record({ ...span, traceparent: tracing.begin(null), parent: null });
  expect(collector.requests).toBeGreaterThan(1);
  const lines = String(logged.read()).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      level: 'warn',
      event: 'dependency.unreachable',
      dependency: 'otlp',
      target: collector.url,
    }),
  ]);
});

test('a collector that is not there does not keep a service from stopping', async () => {
  const tracing = await traced({ otelEndpoint: 'http://127.0.0.1:1' });
  tracing.record({ ...span, traceparent: tracing.begin(null), parent: null });
  const startedAt = performance.now();
  await tracing.close();
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});
