import { parseExactJson } from './exact-json.ts';

/** A callback as it is sent; members may be added. */
export interface Callback {
  readonly taskId: bigint;
  readonly taskIdStr: string;
  /** The name of the state that the task has come to. */
  readonly result: string;
  readonly taskStatus: number;
  readonly message: string;
  /** Grows with every state of the task: an older one that comes late is to be passed over. */
  readonly sequence: number;
  readonly attempt: number;
  readonly tenantId: string;
  readonly taskName: string;
  readonly exitCode?: number;
  readonly [member: string]: unknown;
}

export type Verified =
  /** `id`: the same each time it is sent; drop those that were taken before. */
  | { readonly ok: true; readonly id: string; readonly callback: Callback }
  | { readonly ok: false; readonly why: 'no signature' | 'too old or too new' | 'wrong signature' | 'not JSON' };

/** As Standard Webhooks recommends: for clocks that differ, and against an old callback that is sent again. */
const toleranceSeconds = 300;

/**
 * Judges a callback by its headers and the bytes of its body as they came. `secrets`: those that may sign,
 * `whsec_…` each, or the public half `whpk_…` of an ed25519 key; in a rotation the old and the new one.
 */
export async function verifyCallback(received: {
  readonly secrets: readonly string[];
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>> | Headers;
  readonly body: string | Uint8Array;
  /** The present second; by default the computer's. */
  readonly nowSeconds?: number;
}): Promise<Verified> {
  const { nowSeconds = Date.now() / 1000 } = received;
  const header = (name: string): string => readHeader(received.headers, name);
  const [id, timestamp, signatures] = [header('webhook-id'), header('webhook-timestamp'), header('webhook-signature')];
  if (id === '' || signatures === '' || !/^\d{1,12}$/.test(timestamp)) return { ok: false, why: 'no signature' };
  if (Math.abs(nowSeconds - Number(timestamp)) > toleranceSeconds) return { ok: false, why: 'too old or too new' };
  const body = typeof received.body === 'string' ? new TextEncoder().encode(received.body) : received.body;
  const signed = joined(new TextEncoder().encode(`${id}.${timestamp}.`), body);
  for (const secret of received.secrets) {
    const { scheme, algorithm, key } = await importSecret(secret);
    for (const one of signatures.split(' ').filter((each) => each.startsWith(`${scheme},`))) {
      const signature = fromBase64(one.slice(scheme.length + 1));
      if (await crypto.subtle.verify(algorithm, key, signature, signed)) return readCallback(id, body);
    }
  }
  return { ok: false, why: 'wrong signature' };
}

function readCallback(id: string, body: Uint8Array): Verified {
  try {
    return { ok: true, id, callback: parseExactJson(new TextDecoder().decode(body)) as Callback };
  } catch (error: unknown) {
    if (error instanceof SyntaxError) return { ok: false, why: 'not JSON' };
    throw error;
  }
}

function readHeader(headers: Parameters<typeof verifyCallback>[0]['headers'], name: string): string {
  if (headers instanceof Headers) return headers.get(name) ?? '';
  const value = Object.entries(headers).find(([one]) => one.toLowerCase() === name)?.[1] ?? '';
  return typeof value === 'string' ? value : value.join(' ');
}

async function importSecret(secret: string) {
  const bytes = fromBase64(secret.replace(/^wh(?:sec|pk)_/, ''));
  if (bytes.length === 0) throw new RangeError('a callback secret must be whsec_ or whpk_, and base64');
  const isPublicKey = secret.startsWith('whpk_');
  const algorithm = isPublicKey ? { name: 'Ed25519' } : { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify']);
  return { scheme: isPublicKey ? 'v1a' : 'v1', algorithm, key };
}

/** What is not base64 is no bytes. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 === 1) return new Uint8Array();
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
