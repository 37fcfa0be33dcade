import { expect, test } from '@jest/globals';
import type { Draft, FrameworkCall, StreamEvent } from '@juice/mesos';
import { eventFromJson } from '@juice/mesos/testing';
import { createLogger } from '@juice/observability';
import { runSession, type SessionEnd } from './session.ts';

const subscribed = eventFromJson({ type: 'SUBSCRIBED', subscribed: { framework_id: { value: 'f' } } });
const poison = {
  type: 'UNREADABLE UPDATE',
  detail: 'no such state',
  taskId: 't',
  agentId: 'a',
  uuid: 'dQ==',
  record: Uint8Array.of(1),
} as const;

/** A session of which these events are all; what happens in it, in order. */
async function play(
  events: readonly StreamEvent[],
  setAside = (): Promise<void> => Promise.resolve(),
): Promise<{ end: SessionEnd | { failed: unknown }; happened: string[] }> {
  const happened: string[] = [];
  const end = await runSession({
    subscribe: () =>
      Promise.resolve({
        master: 'http://master',
        events: (async function* () {
          yield* await Promise.resolve(events);
        })(),
        call(call: Draft<FrameworkCall>) {
          happened.push(call.type);
          return Promise.resolve({ kind: 'accepted' } as const);
        },
        close: () => undefined,
      }),
    saveFrameworkId: async () => void happened.push('id saved'),
    ready: async () => void happened.push('loaded'),
    push(event) {
      const isOne = event.kind === 'update.quarantined';
      happened.push(isOne ? `${event.kind} of ${event.mesosTaskId} (${event.agentId}, ${event.uuid})` : event.kind);
    },
    setAside: async (update) => {
      await setAside();
      happened.push(`set aside ${update.detail}`);
    },
    loadLaunchSpecs: () => Promise.resolve(new Map()),
    log: createLogger({ service: 'test', level: 'silent' }),
    now: () => 1,
  }).catch((failed: unknown) => ({ failed }));
  return { end, happened };
}

test('the framework id is stored before anything else is done with it', async () => {
  const { happened } = await play([subscribed]);
  expect(happened).toEqual(['id saved', 'cluster.subscribed', 'loaded', 'cluster.disconnected']);
});

test('an update that cannot be read is stored, then told to the core; the stream goes on', async () => {
  const heard = eventFromJson({ type: 'RESCIND', rescind: { offer_id: { value: 'o' } } });
  const { end, happened } = await play([subscribed, poison, heard]);
  expect(happened.slice(3)).toEqual([
    'set aside no such state',
    'update.quarantined of t (a, dQ==)',
    'offer.rescinded',
    'cluster.disconnected',
  ]);
  expect(end).toMatchObject({ kind: 'ended' });
});

test('what could not be stored is not told, and so not acknowledged', async () => {
  const { end, happened } = await play([subscribed, poison], () => Promise.reject(new Error('no lease')));
  expect(happened).toEqual(['id saved', 'cluster.subscribed', 'loaded', 'cluster.disconnected']);
  expect(end).toEqual({ failed: expect.objectContaining({ message: 'no lease' }) });
});

test('of what names no task the core is not told', async () => {
  const { happened } = await play([subscribed, { ...poison, taskId: null }]);
  expect(happened.slice(3)).toEqual(['set aside no such state', 'cluster.disconnected']);
});
