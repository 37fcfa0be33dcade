import { randomUUID } from 'node:crypto';

/** A W3C trace context (https://www.w3.org/TR/trace-context/#traceparent-header), read. */
export interface TraceContext {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** The caller's span: 16 lower-case hex digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

/**
 * Reads a `traceparent`; null when it is not one (then a new trace begins, as the standard says). A version we do not
 * know is read as far as version 00 goes.
 */
export function parseTraceparent(text: string | null | undefined): TraceContext | null {
  const parts = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(text ?? '');
  if (parts === null) return null;
  const [, version, traceId = '', spanId = '', flags = '', rest] = parts;
  const isVersionWrong = version === 'ff' || (version === '00' && rest !== undefined);
  if (isVersionWrong || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Begins a trace: a new `traceparent`, sampled. */
export function beginTraceparent(): string {
  return writeTraceparent({ traceId: randomHex(), spanId: newSpanId(), isSampled: true });
}

/** The `traceparent` for what we call on behalf of this one: same trace, a span of our own. Begins one where there is none. */
export function childTraceparent(parent: string | null | undefined): string {
  const context = parseTraceparent(parent);
  return context === null ? beginTraceparent() : writeTraceparent({ ...context, spanId: newSpanId() });
}

export function writeTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}

function newSpanId(): string {
  return randomHex().slice(0, 16);
}

/** 32 random digits; never all zeros, which the standard forbids: one of a UUID's first 16 is its version. From a pool, as random bytes are not. */
function randomHex(): string {
  return randomUUID().replaceAll('-', '');
}
