import { readdirSync, readFileSync } from 'node:fs';
import { decodeCall, decodeEvent, type ContentType, type Event, type ReceivedCall } from '../src/index.ts';

/** Conversations recorded with a real master (fixtures/README.md says what each shows). */
export interface Scenario {
  readonly scenario: string;
  readonly contentType: ContentType;
  readonly steps: readonly Step[];
}

/** One step of a conversation, `t` ms after its start. Calls and events are in the in-memory form. */
export type Step =
  | RecordedCall
  | { readonly t: number; readonly kind: 'event'; readonly body: Event }
  | { readonly t: number; readonly kind: 'stream-end' }
  | { readonly t: number; readonly kind: 'stream-error' | 'connection-error'; readonly error: string }
  | { readonly t: number; readonly kind: 'note'; readonly text: string };

/** A call and its answer; without one when the connection broke. SUBSCRIBE alone has `headers` and no `responseBody`. */
export interface RecordedCall {
  readonly t: number;
  readonly kind: 'call';
  readonly body: ReceivedCall;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly responseBody?: string;
}

/** A request, nearly always wrong in one way, and the answer. FRAMEWORK_ID and STREAM_ID stand for those of the session. */
export interface RecordedAnswer {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    /** Text; `base64:…` for bytes. */
    readonly body?: string;
  };
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const folder = new URL('../fixtures/', import.meta.url);
const notConversations = ['http-errors', 'two-masters-zookeeper'];

/** Every recorded conversation with one master. */
export const scenarioNames: readonly string[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length))
  .filter((name) => !notConversations.includes(name));

export function loadScenario(name: string): Scenario {
  const raw = loadJson(name) as Omit<Scenario, 'steps'> & { steps: readonly (Step & { body?: unknown })[] };
  return { ...raw, steps: raw.steps.map(normalStep) };
}

/** The raw bytes of a scenario's event stream, as received after HTTP's chunk decoding; two streams one after the other where it has two. */
export function loadStream(name: string): { readonly contentType: ContentType; readonly bytes: Uint8Array } {
  const { contentType } = loadJson(name) as Scenario;
  const kind = contentType === 'application/json' ? 'json' : 'protobuf';
  return { contentType, bytes: readFileSync(new URL(`${name}.${kind}.recordio`, folder)) };
}

/** In the order they were sent, within one session. */
export function loadHttpErrors(): readonly RecordedAnswer[] {
  return loadJson('http-errors') as readonly RecordedAnswer[];
}

/** A recording as it is on disk: operator views, agent files, the talk with two masters and their ZooKeeper. */
export function loadJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));
}

/** A call written as Mesos JSON, in the in-memory form. */
export function callFromJson(json: unknown): ReceivedCall {
  const decoded = decodeCall(Buffer.from(JSON.stringify(json)), 'application/json');
  if (!decoded.ok) throw new Error(decoded.message);
  return decoded.call;
}

/** An event written as Mesos JSON, in the in-memory form. */
export function eventFromJson(json: unknown): Event {
  return decodeEvent(Buffer.from(JSON.stringify(json)), 'application/json');
}

function normalStep(step: Step & { body?: unknown }): Step {
  if (step.kind === 'call') return { ...step, body: callFromJson(step.body) };
  if (step.kind === 'event') return { ...step, body: eventFromJson(step.body) };
  return step;
}
