import { describe, expect, test } from '@jest/globals';
import { loadHttpErrors, loadScenario, loadStream, scenarioNames } from '@juice/mesos/testing';
import { decodeCall, decodeEvent, encodeCall, encodeEvent, type ContentType } from './codec.ts';
import type { Call, Draft } from './conversation.ts';
import { createRecordReader } from './recordio.ts';

const contentTypes: readonly ContentType[] = ['application/json', 'application/x-protobuf'];

describe.each(scenarioNames)('recorded conversation %s', (name) => {
  const { steps } = loadScenario(name);
  const events = steps.flatMap((step) => (step.kind === 'event' ? [step.body] : []));
  const calls = steps.flatMap((step) => (step.kind === 'call' ? [step.body] : []));

  test('its stream decodes to its events', () => {
    const { bytes, contentType } = loadStream(name);
    const decoded = createRecordReader()
      .push(bytes)
      .map((record) => decodeEvent(record, contentType));
    expect(decoded).toEqual(events);
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

describe('a body that is no call', () => {
  const refused = loadHttpErrors().filter(({ body }) => /^Failed to (parse|convert)/.test(body));

  test.each(refused.map((answer) => [answer.name, answer] as const))('%s', (_name, { request, body }) => {
    const text = request.body ?? '';
    const bytes = text.startsWith('base64:') ? Buffer.from(text.slice(7), 'base64') : Buffer.from(text);
    const contentType = request.headers['Content-Type'] as ContentType;
    expect(decodeCall(bytes, contentType)).toEqual({ ok: false, message: body });
  });
});
