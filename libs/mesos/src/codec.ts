import { InvariantBroken, ProtocolViolation } from '@juice/contracts';
import protobuf, { type Type } from 'protobufjs/light.js';
import { readPlain, writePlain, type Conversion } from './conversion.ts';
import type { Call, Draft, Event, StreamEvent, UnreadableUpdate } from './conversation.ts';
import { callType, eventType, updateHeadType } from './schema.ts';
import type * as wire from './wire.ts';

export type ContentType = 'application/json' | 'application/x-protobuf';

/** A call as it came in: any sub-message may be missing, until it has been validated. */
export type ReceivedCall = wire.Call;
export type DecodedCall =
  { readonly ok: true; readonly call: ReceivedCall } | { readonly ok: false; readonly message: string };

/** Bytes to send. Throws InvariantBroken when a required field is missing or of the wrong type, naming it by its path. */
export function encodeCall(call: Draft<Call>, contentType: ContentType): Uint8Array {
  return encode(callType, call, contentType);
}

/** As encodeCall. */
export function encodeEvent(event: Draft<Event>, contentType: ContentType): Uint8Array {
  return encode(eventType, event, contentType);
}

/**
 * What a master makes of a request's body before it looks at what it means; a failure carries the text the master answers
 * (status 400). It does not validate: a call without a type is decoded.
 */
export function decodeCall(bytes: Uint8Array, contentType: ContentType): DecodedCall {
  const decoded = decode(callType, bytes, contentType);
  if (decoded.ok) return { ok: true, call: decoded.value as ReceivedCall };
  switch (decoded.stage) {
    case 'protobuf':
      return { ok: false, message: 'Failed to parse body into Call protobuf' };
    case 'json':
      return { ok: false, message: `Failed to parse body into JSON: ${decoded.detail}` };
    case 'shape':
      return { ok: false, message: `Failed to convert JSON into Call protobuf: ${decoded.detail}` };
    default:
      return decoded.stage satisfies never;
  }
}

/** One record of an event stream. Throws ProtocolViolation when it is not an event, or its sub-message is missing. */
export function decodeEvent(bytes: Uint8Array, contentType: ContentType): Event {
  const decoded = decode(eventType, bytes, contentType);
  if (!decoded.ok) throw violation(decoded.detail);
  const event = decoded.value as wire.Event;
  if (event.type === undefined || event.type === 'UNKNOWN') return { type: 'UNKNOWN' };
  if (event.type === 'HEARTBEAT') return { type: 'HEARTBEAT' };
  const member = event.type.toLowerCase();
  if (!Object.hasOwn(event, member)) throw violation(`an event ${event.type} without '${member}'`);
  return event as Event;
}

/** As decodeEvent, but an update that cannot be decoded comes out as one, if it can be told to be an update at all. */
export function readEvent(bytes: Uint8Array, contentType: ContentType): StreamEvent {
  try {
    return decodeEvent(bytes, contentType);
  } catch (error: unknown) {
    const update = error instanceof ProtocolViolation ? salvageUpdate(bytes, contentType, error.message) : null;
    if (update === null) throw error;
    return update;
  }
}

interface UpdateHead {
  readonly type?: string;
  readonly update?: {
    readonly status?: {
      readonly task_id?: { readonly value?: string };
      readonly agent_id?: { readonly value?: string };
      readonly uuid?: string;
    };
  };
}

function salvageUpdate(record: Uint8Array, contentType: ContentType, detail: string): UnreadableUpdate | null {
  const decoded = decode(updateHeadType, record, contentType);
  const head = decoded.ok ? (decoded.value as UpdateHead) : null;
  if (head?.type !== 'UPDATE') return null;
  const { task_id: task, agent_id: agent, uuid = null } = head.update?.status ?? {};
  const ids = { taskId: task?.value ?? null, agentId: agent?.value ?? null, uuid: uuid === '' ? null : uuid };
  return { type: 'UNREADABLE UPDATE', detail, ...ids, record };
}

function encode(type: Type, draft: unknown, contentType: ContentType): Uint8Array {
  const plain = valueOf(writePlain(type, draft));
  if (contentType === 'application/json') return Buffer.from(JSON.stringify(plain));
  return type.encode(type.fromObject(plain)).finish();
}

function valueOf(conversion: Conversion): Readonly<Record<string, unknown>> {
  if (!conversion.ok) throw new InvariantBroken(conversion.detail);
  return conversion.value;
}

type Decoded =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly stage: 'protobuf' | 'json' | 'shape'; readonly detail: string };

function decode(type: Type, bytes: Uint8Array, contentType: ContentType): Decoded {
  if (contentType === 'application/x-protobuf') return decodeProtobuf(type, bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { ok: false, stage: 'json', detail: syntaxErrorDetail(text, String(error)) };
  }
  const conversion = readPlain(type, json);
  return conversion.ok ? conversion : { ok: false, stage: 'shape', detail: conversion.detail };
}

/** Unknown fields and unknown values of enums are dropped while decoding: what they hold is not ours to keep. */
function decodeProtobuf(type: Type, bytes: Uint8Array): Decoded {
  const reader = protobuf.Reader.create(bytes);
  reader.discardUnknown = true;
  try {
    const message = type.decode(reader);
    return { ok: true, value: type.toObject(message, { enums: String, longs: Number, bytes: String, arrays: true }) };
  } catch (error) {
    return { ok: false, stage: 'protobuf', detail: String(error) };
  }
}

/** The master's parser tells the line and what is left of it; the engine tells the position, unless the text just ends. */
function syntaxErrorDetail(text: string, engineError: string): string {
  const position = Number(/at position (\d+)/.exec(engineError)?.[1] ?? text.length);
  const line = text.slice(0, position).split('\n').length;
  return `syntax error at line ${line} near: ${text.slice(position).split('\n', 1)[0] ?? ''}`;
}

function violation(detail: string): ProtocolViolation {
  return new ProtocolViolation({ peer: 'mesos', detail });
}
