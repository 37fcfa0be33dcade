import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { loadHttpErrors, loadScenario, loadStream, scenarioNames } from '../testing/index.ts';
import { decodeCall, decodeEvent, encodeCall, encodeEvent, readEvent, type ContentType } from './codec.ts';
import type { Call, Draft } from './conversation.ts';
import { createRecordReader } from './recordio.ts';

const contentTypes: readonly ContentType[] = ['application/json', 'application/x-protobuf'];
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

test('the descriptor and the types are what the .proto files say', async () => {
  const generator = new URL('../proto/generate.mjs', import.meta.url).pathname;
  await promisify(execFile)(process.execPath, [generator, '--check']);
});

describe.each(scenarioNames)('recorded conversation %s', (name) => {
  const { steps } = loadScenario(name);
  const events = steps.flatMap((step) => (step.kind === 'event' ? [step.body] : []));
  const calls = steps.flatMap((step) => (step.kind === 'call' ? [step.body] : []));

  test('its stream decodes to its events', () => {
    const { bytes, contentType } = loadStream(name);
    const records = createRecordReader().push(bytes);
    expect(records.map((record) => decodeEvent(record, contentType))).toEqual(events);
  });

  test.each(contentTypes)('its calls survive %s', (contentType) => {
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) {
      expect(decodeCall(encodeCall(call as Draft<Call>, contentType), contentType)).toEqual({ ok: true, call });
    }
  });

  test.each(contentTypes)('its events survive %s', (contentType) => {
    expect(events.map((event) => decodeEvent(encodeEvent(event, contentType), contentType))).toEqual(events);
  });
});

test('the bytes of a protobuf stream are written as the master wrote them', () => {
  const { bytes } = loadStream('lifecycle-finished-protobuf');
  for (const record of createRecordReader().push(bytes)) {
    const again = encodeEvent(decodeEvent(record, 'application/x-protobuf'), 'application/x-protobuf');
    expect(Buffer.from(again)).toEqual(Buffer.from(record));
  }
});

describe('a body that is no call', () => {
  const refused = loadHttpErrors().filter(({ body }) => /^Failed to (parse|convert)/.test(body));

  test.each(refused.map((answer) => [answer.name, answer] as const))('%s', (_name, { request, body }) => {
    const text = request.body ?? '';
    const bytes = text.startsWith('base64:') ? Buffer.from(text.slice(7), 'base64') : Buffer.from(text);
    const contentType = request.headers['Content-Type'] as ContentType;
    expect(decodeCall(bytes, contentType)).toEqual({ ok: false, message: body });
  });

  const launch = (task: unknown) => ({
    accept: { operations: [{ type: 'LAUNCH', launch: { task_infos: [task] } }] },
  });
  test.each([
    [{ kill: 3 }, "Not expecting a JSON number for field 'kill'"],
    [{ kill: { task_id: [] } }, "Not expecting a JSON array for field 'task_id'"],
    [{ kill: { task_id: { value: {} } } }, "Not expecting a JSON object for field 'value'"],
    [{ type: 3 }, "Not expecting a JSON number for field 'type'"],
    [{ acknowledge: { uuid: '*' } }, "Failed to base64 decode bytes field 'uuid': Invalid character '*'"],
    [
      { accept: { filters: { refuse_seconds: 'soon' } } },
      "Failed to parse 'soon' as a JSON number for field 'refuse_seconds'",
    ],
    [launch({ resources: [{ name: 'cpus', type: 'COUNT' }] }), "Failed to find enum for 'COUNT'"],
    [
      launch({ name: 'n', resources: [{ type: 'SCALAR' }] }),
      'Missing required fields: accept.operations[0].launch.task_infos[0].task_id, accept.operations[0].launch.task_infos[0].agent_id, ' +
        'accept.operations[0].launch.task_infos[0].resources[0].name',
    ],
    [{ kill: { task_id: null } }, 'Missing required fields: kill.task_id'],
  ])('%j', (body, detail) => {
    const message = `Failed to convert JSON into Call protobuf: ${detail}`;
    expect(decodeCall(json(body), 'application/json')).toEqual({ ok: false, message });
  });

  test('nested without end', () => {
    const text = `${'{"container_status":{"container_id":'}${'{"value":"c","parent":'.repeat(5000)}{"value":"c"}${'}'.repeat(5002)}`;
    const event = `{"type":"UPDATE","update":{"status":${text}}}`;
    expect(() => decodeEvent(Buffer.from(event), 'application/json')).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }),
    );
  });
});

describe('JSON as Mesos takes it', () => {
  const decode = (body: unknown) => decodeCall(json(body), 'application/json');

  test('unknown keys, nulls and unknown names of optional enums are not there', () => {
    const body = { type: 'FLY', frameworkId: { value: 'f' }, framework_id: null, revive: { roles: null, x: 1 } };
    expect(decode(body)).toEqual({ ok: true, call: { revive: { roles: [] } } });
    expect(decode({ type: 'toString' })).toEqual({ ok: true, call: {} });
  });

  test('numbers come as numbers or strings, integers without their fraction', () => {
    const kill = { task_id: { value: 't' }, kill_policy: { grace_period: { nanoseconds: '10000000000' } } };
    const accept = { filters: { refuse_seconds: '2.5' } };
    const expected = {
      kill: { ...kill, kill_policy: { grace_period: { nanoseconds: 10_000_000_000 } } },
      accept: { offer_ids: [], operations: [], filters: { refuse_seconds: 2.5 } },
    };
    expect(decode({ kill, accept })).toEqual({ ok: true, call: expected });
  });

  test('a single value stands for an array of it', () => {
    expect(decode({ revive: { roles: 'a' } })).toEqual({ ok: true, call: { revive: { roles: ['a'] } } });
  });
});

describe('a draft', () => {
  const launch = (task: object): Draft<Call> => ({
    type: 'ACCEPT',
    framework_id: { value: 'f' },
    accept: {
      offer_ids: [{ value: 'o' }],
      operations: [{ type: 'LAUNCH', launch: { task_infos: [{ name: 'n', ...task } as never] } }],
    },
  });
  const ids = { task_id: { value: 't' }, agent_id: { value: 'a' } };

  test.each(contentTypes)('with a required field missing is a bug, named by its path (%s)', (contentType) => {
    expect(() => encodeCall(launch({ agent_id: { value: 'a' } }), contentType)).toThrow(
      expect.objectContaining({
        code: 'INVARIANT_BROKEN',
        message: 'Missing required fields: accept.operations[0].launch.task_infos[0].task_id',
      }),
    );
  });

  test.each(contentTypes)('keeps maps, infinities, big integers, bytes and any text (%s)', (contentType) => {
    const task = {
      ...ids,
      limits: { cpus: { value: Infinity }, mem: { value: 0.1 }, ['__proto__']: { value: 1 } },
      max_completion_time: { nanoseconds: 1_795_420_035_634_197_000 },
      data: Buffer.from([0, 255, 128, 10]).toString('base64'),
      labels: { labels: [{ key: '', value: '…\u0000😀' }] },
    };
    const decoded = decodeCall(encodeCall(launch(task), contentType), contentType);
    expect(decoded).toMatchObject({
      call: { accept: { operations: [{ launch: { task_infos: [{ ...task, resources: [] }] } }] } },
    });
  });

  test('leaves out of its JSON what is empty', () => {
    const call: Draft<Call> = { type: 'REVIVE', framework_id: { value: 'f' }, revive: { roles: [] } };
    expect(String(encodeCall(call, 'application/json'))).toBe(
      '{"framework_id":{"value":"f"},"type":"REVIVE","revive":{}}',
    );
  });
});

describe('an event', () => {
  test('of a type this code does not know is UNKNOWN', () => {
    expect(decodeEvent(json({ type: 'LUNCH', lunch: {} }), 'application/json')).toEqual({ type: 'UNKNOWN' });
    // Field 1 (type) = 99, and a field 99 that no schema has.
    const bytes = Uint8Array.of(0x08, 99, 0x9a, 0x06, 1, 0);
    expect(decodeEvent(bytes, 'application/x-protobuf')).toEqual({ type: 'UNKNOWN' });
  });

  describe('that is an update and cannot be read', () => {
    const status = { task_id: { value: 't' }, agent_id: { value: 'a' }, uuid: 'AAECAwQFBgcICQoLDA0ODw==' };
    const ids = { taskId: 't', agentId: 'a', uuid: status.uuid };
    const update = (more: object) => json({ type: 'UPDATE', update: { status: { ...status, ...more } } });
    const whole = encodeEvent(
      { type: 'UPDATE', update: { status: { ...status, state: 'TASK_UNKNOWN' } } },
      'application/x-protobuf',
    );
    /** The state, field 2: from TASK_UNKNOWN to one that no version has. */
    const strange = Uint8Array.from(whole, (byte, at) => (byte === 13 && whole[at - 1] === 0x10 ? 99 : byte));

    test.each<[string, Uint8Array, (typeof contentTypes)[number], object]>([
      ['of a state unknown', update({ state: 'TASK_FROZEN' }), 'application/json', ids],
      ['of a state unknown', strange, 'application/x-protobuf', ids],
      ['of no state', update({}), 'application/json', ids],
      ['with text for a number', update({ state: 'TASK_LOST', timestamp: [] }), 'application/json', ids],
      [
        'of nothing but a type',
        json({ type: 'UPDATE' }),
        'application/json',
        { taskId: null, agentId: null, uuid: null },
      ],
    ])('(%s) says which it is', (_what, bytes, contentType, expected) => {
      const read = { type: 'UNREADABLE UPDATE', detail: expect.any(String), record: bytes, ...expected };
      expect(readEvent(bytes, contentType)).toEqual(read);
    });

    test.each(contentTypes)('and nothing else is one (%s)', (contentType) => {
      const offers = encodeEvent({ type: 'OFFERS' } as never, contentType);
      expect(() => readEvent(offers, contentType)).toThrow(expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }));
    });
  });

  test.each(contentTypes)('without what its type promises is a violation (%s)', (contentType) => {
    const bytes = encodeEvent({ type: 'UPDATE' } as never, contentType);
    expect(() => decodeEvent(bytes, contentType)).toThrow(expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }));
  });
});
