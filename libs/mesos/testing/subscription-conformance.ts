import { expect, test } from '@jest/globals';
import { createMesosClient, type Draft, type FrameworkInfo, type StreamEvent } from '../src/index.ts';
import { testMs, type ConformanceSession } from './conformance-session.ts';
import { checkHttpErrors } from './http-errors.ts';
import { capableFramework, type ObservedFramework } from './observed-framework.ts';
import { launchCommand } from './task-conformance.ts';

/** What becomes of frameworks: offers, subscriptions that end, requests that are refused. */
export function describeSubscriptions(session: ConformanceSession): void {
  test(
    'a declined or suppressed framework is offered nothing until it revives',
    async () => {
      const framework = await session.subscribe();
      const offers = () => framework.events.filter(({ type }) => type === 'OFFERS').length;
      const offered = (await framework.see('OFFERS')).offers.offers.map(({ id }) => id);
      await framework.call({ type: 'DECLINE', decline: { offer_ids: offered, filters: { refuse_seconds: 3600 } } });
      const other = await session.subscribe();
      await declineRounds(other, 3);
      expect(offers()).toBe(1);

      await framework.call({ type: 'SUPPRESS', suppress: { roles: ['juice'] } });
      await other.call({ type: 'SUPPRESS' });
      let from = framework.events.length;
      await framework.call({ type: 'REVIVE', revive: { roles: ['juice'] } });
      const again = (await framework.see('OFFERS', undefined, from)).offers.offers.map(({ id }) => id);
      for (const id of again) expect(offered).not.toContainEqual(id);

      await framework.call({ type: 'SUPPRESS' });
      await framework.call({ type: 'DECLINE', decline: { offer_ids: again, filters: { refuse_seconds: 0 } } });
      const before = offers();
      await other.call({ type: 'REVIVE' });
      await declineRounds(other, 2);
      expect(offers()).toBe(before);
      await other.call({ type: 'TEARDOWN' });
      from = framework.events.length;
      await framework.call({ type: 'REVIVE' });
      await framework.see('OFFERS', undefined, from);
    },
    testMs,
  );

  test(
    'what happened while the scheduler was away is told when it is back',
    async () => {
      const before = await session.subscribe();
      const { id } = await launchCommand(before, 'sleep 1');
      await before.follow(id, 'TASK_RUNNING');
      before.subscription.close();
      const after = await session.subscribe({ id: before.id });
      expect(after.id).toBe(before.id);
      expect((await after.follow(id, 'TASK_FINISHED')).at(-1)?.message).toBe('Command exited with status 0');
    },
    testMs,
  );

  test(
    'a second subscription with the id ends the first',
    async () => {
      const first = await session.subscribe();
      const second = await session.subscribe({ id: first.id });
      expect((await first.see('ERROR')).error.message).toBe('Framework failed over');
      expect(await first.over).toBeUndefined();
      expect(second.subscription.streamId).not.toBe(first.subscription.streamId);
      expect(await second.call({ type: 'REVIVE' })).toEqual({ kind: 'accepted' });
    },
    testMs,
  );

  test(
    'a framework that is torn down is gone for good',
    async () => {
      const framework = await session.subscribe();
      expect(await framework.call({ type: 'TEARDOWN' })).toEqual({ kind: 'accepted' });
      expect(await framework.over).toBeUndefined();
      const again = { ...capableFramework, id: { value: framework.id } };
      expect(await eventsOf(session.url(), again)).toEqual([
        { type: 'ERROR', error: { message: 'Framework has been removed' } },
      ]);
    },
    testMs,
  );

  test.each([
    [{ role: 'x' }, "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"],
    [{ roles: ['/bad'] }, "'FrameworkInfo.roles' contains invalid role: Role '/bad' cannot start with a slash"],
  ])(
    'FrameworkInfo with %j is an ERROR on the stream',
    async (change, message) => {
      const { roles: _, ...roleless } = capableFramework;
      expect(await eventsOf(session.url(), { ...roleless, ...change })).toEqual([
        { type: 'ERROR', error: { message } },
      ]);
    },
    testMs,
  );

  test('a bad request is answered as a master does', () => checkHttpErrors(session.url()), testMs);
}

/** Takes and declines `rounds` rounds of offers: a clock that ticks with the master's allocations. */
async function declineRounds(framework: ObservedFramework, rounds: number): Promise<void> {
  for (let from = framework.events.length, round = 0; round < rounds; round++) {
    const event = await framework.see('OFFERS', undefined, round === 0 ? 0 : from);
    from = framework.events.indexOf(event) + 1;
    const offer_ids = event.offers.offers.map(({ id }) => id);
    await framework.call({ type: 'DECLINE', decline: { offer_ids, filters: { refuse_seconds: 0 } } });
  }
}

/** All events of a stream that ends by itself. */
async function eventsOf(url: string, info: Draft<FrameworkInfo>): Promise<StreamEvent[]> {
  const { events } = await createMesosClient({ masters: [url], contentType: 'application/json' }).subscribe(info);
  const all: StreamEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}
