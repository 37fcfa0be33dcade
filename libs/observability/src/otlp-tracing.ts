import type { SpanContext } from '@opentelemetry/api';
import type * as Sdk from '@opentelemetry/sdk-trace';
import type { Log } from './log.ts';
import { childTraceparent, parseTraceparent, writeTraceparent, type TraceContext } from './trace-context.ts';
import type { SamplerName, SpanFacts, Tracing } from './tracing.ts';

/** Waiting to be sent: some seconds of a busy service. Beyond that spans are dropped. */
const mostWaiting = 8_192;
/** How long stopping waits for the last spans: traces are not worth more of a service's grace. */
const closeMs = 3_000;

/**
 * The only file that knows OpenTelemetry, whose packages are loaded when this is called. Of its SDK the samplers, the batches and the
 * exporter are used; a span is made of facts at its end, since what it tells of may have been begun by another process, days ago.
 */
export async function startOtlpTracing(deps: {
  service: string;
  url: string;
  sampler: { readonly name: SamplerName; readonly ratio: number };
  log: Log;
}): Promise<Tracing> {
  const [api, sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const sampler = createSampler(sdk, deps.sampler);
  // What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say wins.
  const resource = resources
    .defaultResource()
    .merge(resources.resourceFromAttributes({ 'service.name': `juice-${deps.service}` }))
    .merge(resources.detectResources({ detectors: [resources.envDetector] }));
  const exporter = watched(new OTLPTraceExporter({ url: deps.url }), deps);
  const batches = new sdk.BatchSpanProcessor({ exporter, maxQueueSize: mostWaiting });
  const kinds = { server: api.SpanKind.SERVER, client: api.SpanKind.CLIENT, internal: api.SpanKind.INTERNAL };

  function isSampled(traceId: string, parent: TraceContext | null): boolean {
    const { ROOT_CONTEXT: root, trace, SpanKind } = api;
    const context = parent === null ? root : trace.setSpanContext(root, contextOf(parent, true));
    const { decision } = sampler.shouldSample(context, traceId, '', SpanKind.INTERNAL, {}, []);
    return decision === sdk.SamplingDecision.RECORD_AND_SAMPLED;
  }

  function spanOf(span: SpanFacts, own: TraceContext): Sdk.ReadableSpan {
    const parent = parseTraceparent(span.parent);
    const [start, end] = [span.startMs, Math.max(span.startMs, span.endMs)];
    return {
      name: span.name,
      kind: kinds[span.kind],
      spanContext: () => contextOf(own, false),
      ...(parent !== null && { parentSpanContext: contextOf(parent, true) }),
      startTime: hrTime(start),
      endTime: hrTime(end),
      duration: hrTime(end - start),
      status: span.error === null ? { code: api.SpanStatusCode.UNSET } : { code: api.SpanStatusCode.ERROR },
      attributes: { ...span.attributes, ...(span.error !== null && { 'error.type': span.error }) },
      links: [],
      events: [],
      ended: true,
      resource,
      instrumentationScope: { name: 'juice' },
      ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
    };
  }

  return {
    isOn: true,
    begin(parent) {
      const child = childTraceparent(parent);
      const own = parseTraceparent(child);
      return own === null
        ? child
        : writeTraceparent({ ...own, isSampled: isSampled(own.traceId, parseTraceparent(parent)) });
    },
    record(span) {
      const own = parseTraceparent(span.traceparent);
      if (own?.isSampled === true) batches.onEnd(spanOf(span, own));
    },
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, closeMs)));
      // A collector that is away takes nothing any more: what was not sent is lost, as is said in `watched`.
      await Promise.race([batches.shutdown().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}

function createSampler(sdk: typeof Sdk, of: { name: SamplerName; ratio: number }): Sdk.Sampler {
  const samplers = {
    always_on: () => new sdk.AlwaysOnSampler(),
    always_off: () => new sdk.AlwaysOffSampler(),
    traceidratio: () => new sdk.TraceIdRatioBasedSampler(of.ratio),
  };
  const [, isParentBased, root] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(of.name) ?? [];
  const sampler = samplers[root as keyof typeof samplers]();
  return isParentBased === undefined ? sampler : new sdk.ParentBasedSampler({ root: sampler });
}

/** Tells in the log when spans cannot be sent, once until they can be again. */
function watched(exporter: Sdk.SpanExporter, { url, log }: { url: string; log: Log }): Sdk.SpanExporter {
  const facts = { dependency: 'otlp', target: new URL(url).origin };
  let isUp = true;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const works = result.error === undefined;
        if (isUp && !works) log.warn('dependency.unreachable', { ...facts, spans: spans.length, error: result.error });
        if (!isUp && works) log.info('dependency.connected', facts);
        isUp = works;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush !== undefined && { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() }),
  };
}

function contextOf({ traceId, spanId, isSampled }: TraceContext, isRemote: boolean): SpanContext {
  return { traceId, spanId, traceFlags: isSampled ? 1 : 0, isRemote };
}

/** Seconds, and nanoseconds beyond them. */
function hrTime(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
