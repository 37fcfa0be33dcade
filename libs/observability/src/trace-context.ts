import { randomFillSync } from 'node:crypto';

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

/** The trace of a `traceparent` that we wrote. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** Begins a trace: a new `traceparent`, sampled. */
export function beginTraceparent(): string {
  return writeTraceparent({ traceId: randomHex(16), spanId: randomHex(8), isSampled: true });
}

/** The `traceparent` for what we call on behalf of this one: same trace, a span of our own. Begins one where there is none. */
export function childTraceparent(parent: string | null | undefined): string {
  const context = parseTraceparent(parent);
  return context === null ? beginTraceparent() : writeTraceparent({ ...context, spanId: randomHex(8) });
}

export function writeTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}

const randomHex = createRandomHex();

/**
 * Random digits, two a byte, from a pool: to ask for eight bytes takes as long as to ask for all of these. All zeros, which
 * the standard forbids, are one in 2 ** 64 of the shortest.
 */
function createRandomHex(): (bytes: number) => string {
  const pool = Buffer.alloc(4096);
  let used = pool.length;
  return (bytes) => {
    if (used + bytes > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    used += bytes;
    return pool.toString('hex', used - bytes, used);
  };
}
