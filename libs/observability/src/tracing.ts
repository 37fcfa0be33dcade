import type { Log } from './log.ts';
import { startOtlpTracing } from './otlp-tracing.ts';
import { childTraceparent } from './trace-context.ts';

/** A span as it is recorded once it has ended: all of it from facts that may have been stored in between, by another process too. */
export interface SpanFacts {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'internal';
  /** Its own: the id that was, or could have been, passed on. */
  readonly traceparent: string;
  /** Of the span that it belongs to; null: it is the first of its trace. */
  readonly parent: string | null;
  readonly startMs: number;
  readonly endMs: number;
  /** Those that are undefined are left out. Never payloads, credentials or queries: they leave the house. */
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>;
  /** What went wrong, in a word of a small set; null: nothing. */
  readonly error: string | null;
}

/** Where spans go. */
export interface Tracing {
  readonly isOn: boolean;
  /**
   * The `traceparent` of a span that begins now, for what is done on its behalf: in the trace of `parent`, or in a new one
   * where there is none. Its flag says whether the trace is recorded. With tracing off traces are passed on all the same.
   */
  begin(parent: string | null | undefined): string;
  /** Takes a span that has ended, unless its trace is not recorded. Never waits, never throws: what cannot be sent is dropped. */
  record(span: SpanFacts): void;
  /** Sends what is at hand, for a few seconds at most. */
  close(): Promise<void>;
}

/** What the OTEL_* variables say; see tracingSettings of `@juice/runtime`. */
export interface TracingSettings {
  readonly otelDisabled?: boolean | undefined;
  readonly otelExporter?: 'otlp' | 'none' | undefined;
  readonly otelEndpoint?: string | undefined;
  readonly otelTracesEndpoint?: string | undefined;
  readonly otelSampler?: SamplerName | undefined;
  readonly otelSamplerArg?: number | undefined;
}

export type SamplerName = `${'' | 'parentbased_'}${'always_on' | 'always_off' | 'traceidratio'}`;

/** Tracing that is off: the context goes on, and nothing is recorded. */
export const noTracing: Tracing = {
  isOn: false,
  begin: childTraceparent,
  record: () => undefined,
  close: () => Promise.resolve(),
};

/** Spans of one service, to the collector that the settings name; off without one, and then no package of OpenTelemetry is loaded. */
export async function createTracing(deps: { service: string; settings: TracingSettings; log: Log }): Promise<Tracing> {
  const { otelDisabled, otelExporter, otelSampler, otelSamplerArg } = deps.settings;
  const url = urlOf(deps.settings);
  if (otelDisabled === true || otelExporter === 'none' || url === null) return noTracing;
  const sampler = { name: otelSampler ?? 'parentbased_always_on', ratio: otelSamplerArg ?? 1 };
  return startOtlpTracing({ service: deps.service, url, sampler, log: deps.log });
}

function urlOf({ otelEndpoint, otelTracesEndpoint }: TracingSettings): string | null {
  if (otelTracesEndpoint !== undefined) return otelTracesEndpoint;
  return otelEndpoint === undefined ? null : `${otelEndpoint.replace(/\/+$/, '')}/v1/traces`;
}
