import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  plainEndpointState,
  unknownEndpoint,
  type Endpoint,
  type EndpointPause,
  type EndpointState,
  type EndpointStore,
} from '../src/index.ts';

export interface MadeEndpointStore {
  readonly endpoints: EndpointStore;
  close(): Promise<void>;
}

const t0 = 1_750_000_000_000;
const name = 'acme https://receiver.example';
const open: EndpointState = {
  ...plainEndpointState,
  breaker: {
    openedAtMs: t0,
    untilMs: t0 + 30_000,
    reason: 'status-503',
    seen: { consecutive: 10, failed: 12, attempts: 15 },
  },
  openings: 2,
};
const all: EndpointState = {
  ...open,
  probe: { token: 'token-1', untilMs: t0 + 60_000 },
  rampFromMs: t0 - 5,
  waitUntilMs: t0 + 7,
  gone: { atMs: t0, reason: 'status-410' },
};
const paused = { atMs: t0 + 50, by: 'key-1', reason: 'maintenance', isOperators: false };

/** What a store of endpoints must do. `make` gives an empty one. */
export function endpointStoreContract(make: () => Promise<MadeEndpointStore>): void {
  describe('an endpoint store', () => {
    let made: MadeEndpointStore;
    let endpoints: EndpointStore;
    beforeEach(async () => {
      made = await make();
      endpoints = made.endpoints;
    });
    afterEach(() => made.close());

    const saved = async (seen: Endpoint, state: EndpointState, atMs = t0): Promise<Endpoint> => {
      const endpoint = await endpoints.saveEndpoint(seen, state, atMs);
      if (endpoint === null) throw new Error('it was not saved');
      return endpoint;
    };
    const pause = async (changes: Partial<EndpointPause> = {}): Promise<Endpoint> => {
      const { kind, endpoint } = await endpoints.pauseEndpoint(name, { ...paused, ...changes });
      expect(kind).toBe('changed');
      return endpoint;
    };
    const resume = async (isOperators = false): Promise<Endpoint> => {
      const change = await endpoints.resumeEndpoint(name, { atMs: t0 + 100, isOperators });
      if (change?.kind !== 'changed') throw new Error('it was not resumed');
      return change.endpoint;
    };
    const load = async () => (await endpoints.loadEndpoints([name]))[0] ?? null;
    const names = (found: readonly Endpoint[]) => found.map(({ endpoint }) => endpoint);

    test('an endpoint that nothing was said about has no document', async () => {
      expect(await endpoints.loadEndpoints([name])).toEqual([]);
      expect(await endpoints.loadEndpoints([])).toEqual([]);
      expect(await endpoints.endpointsChangedSince(0, 10)).toEqual([]);
      expect(await endpoints.resumeEndpoint(name, { atMs: t0, isOperators: false })).toBeNull();
      expect(await load()).toBeNull();
    });

    test('what is saved is read as it was saved, all of it and nothing of what was before', async () => {
      const first = await saved(unknownEndpoint(name), all);
      expect(first).toEqual({ endpoint: name, stamp: expect.any(String), paused: null, changedAtMs: t0, ...all });
      expect(await load()).toEqual(first);
      const second = await saved(first, plainEndpointState, t0 + 1);
      expect(second).toEqual({ ...first, stamp: second.stamp, changedAtMs: t0 + 1, ...plainEndpointState });
      expect(second.stamp).not.toBe(first.stamp);
      expect(await load()).toEqual(second);
    });

    test('a change of what was changed, made or removed since is not applied', async () => {
      const first = await saved(unknownEndpoint(name), open);
      expect(await endpoints.saveEndpoint(unknownEndpoint(name), all, t0)).toBeNull();
      const second = await saved(first, all);
      expect(await endpoints.saveEndpoint(first, plainEndpointState, t0)).toBeNull();
      expect(await load()).toEqual(second);
      const other = { ...second, endpoint: 'acme https://removed.example' };
      expect(await endpoints.saveEndpoint(other, open, t0)).toBeNull();
      expect(names(await endpoints.endpointsAfter(null, null, 10))).toEqual([name]);
    });

    test('of many changes at once one applies, whether there was a document or not', async () => {
      const change = async (seen: Endpoint) => {
        const changes = Array.from({ length: 12 }, (_, n) =>
          endpoints.saveEndpoint(seen, { ...open, probe: { token: `token-${n}`, untilMs: t0 } }, t0),
        );
        const applied = (await Promise.all(changes)).filter((endpoint) => endpoint !== null);
        expect(applied).toHaveLength(1);
        expect(await load()).toEqual(applied[0]);
        return applied[0] ?? seen;
      };
      await change(await change(unknownEndpoint(name)));
    });

    test('a pause stands beside whatever the workers write, and guards against what was not seen', async () => {
      const first = await saved(unknownEndpoint(name), open);
      const stopped = await pause();
      expect(stopped).toEqual({ ...first, paused, stamp: stopped.stamp, changedAtMs: t0 + 50 });
      expect(await endpoints.saveEndpoint(first, plainEndpointState, t0 + 60)).toBeNull();
      expect(await saved(stopped, plainEndpointState, t0 + 60)).toMatchObject({ ...plainEndpointState, paused });
      const again = await pause({ reason: null, atMs: t0 + 70 });
      expect(again.paused).toEqual({ ...paused, reason: null, atMs: t0 + 70 });
    });

    test('an endpoint without a document can be paused, by several at once', async () => {
      const pauses = await Promise.all(Array.from({ length: 6 }, () => pause()));
      for (const each of pauses) expect(each).toMatchObject({ endpoint: name, paused, ...plainEndpointState });
      expect(await load()).toMatchObject({ paused, ...plainEndpointState });
    });

    test('resumed, nothing keeps it from being called, and traffic grows from then on', async () => {
      await saved(unknownEndpoint(name), all);
      await pause();
      const resumed = await resume();
      expect(resumed).toMatchObject({ ...plainEndpointState, rampFromMs: t0 + 100, paused: null });
      expect(await load()).toEqual(resumed);
    });

    test('what an operator has paused, operators alone resume, whatever the workers write', async () => {
      await pause({ reason: 'the tenant’s' });
      const stopped = await pause({ isOperators: true });
      const saw = await saved(stopped, open, t0 + 60);
      const kept = { kind: 'kept', endpoint: saw };
      expect(await endpoints.resumeEndpoint(name, { atMs: t0 + 70, isOperators: false })).toEqual(kept);
      expect(await endpoints.pauseEndpoint(name, { ...paused, by: 'key-2' })).toEqual(kept);
      expect(await load()).toEqual({ ...saw, paused: { ...paused, isOperators: true } });
      expect(await resume(true)).toMatchObject({ paused: null, breaker: null });
      await pause({ by: 'key-2' });
      expect(await resume(true)).toMatchObject({ paused: null });
    });

    test('changes are found by their time, the oldest first', async () => {
      const other = 'acme https://other.example';
      const first = await saved(unknownEndpoint(name), open);
      await saved(unknownEndpoint(other), open, t0 + 10);
      expect(names(await endpoints.endpointsChangedSince(t0, 10))).toEqual([name, other]);
      expect(names(await endpoints.endpointsChangedSince(t0, 1))).toEqual([name]);
      expect(names(await endpoints.endpointsChangedSince(t0 + 1, 10))).toEqual([other]);
      await saved(first, plainEndpointState, t0 + 20);
      expect(names(await endpoints.endpointsChangedSince(t0 + 10, 10))).toEqual([other, name]);
    });

    test('they are listed in the order of their names, of one tenant or of all', async () => {
      const others = ['acme https://receiver.example:8443', 'acme2 https://a.example', 'zeta https://a.example'];
      for (const each of [...others, name]) await saved(unknownEndpoint(each), open);
      expect(names(await endpoints.endpointsAfter(null, null, 10))).toEqual([name, ...others]);
      expect(names(await endpoints.endpointsAfter(null, name, 2))).toEqual(others.slice(0, 2));
      expect(names(await endpoints.endpointsAfter('acme', null, 10))).toEqual([name, others[0]]);
      expect(names(await endpoints.endpointsAfter('acme', name, 10))).toEqual([others[0]]);
    });
  });
}
