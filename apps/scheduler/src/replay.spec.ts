import { describe, expect, test } from '@jest/globals';
import { TaskState } from '@juice/contracts';
import { loadScenario, scenarioNames, type Scenario } from '@juice/mesos/testing';
import { until } from '@juice/trial';
import { unlawfulLaunches } from '../testing/lawful-launches.ts';
import { statusOf } from '../testing/memory-store.ts';
import { replayTable } from '../testing/replay-table.ts';
import { startReplay } from '../testing/replay.ts';

/** Recorded conversations with a real master, played to our client, translation and core. */
describe('recorded conversations', () => {
  test('are all played', () => {
    const played = new Set(replayTable.flatMap(({ scenario }) => scenario.split(' + ')));
    expect([...played].sort()).toEqual(scenarioNames.filter((name) => name !== 'operator-views').sort());
  });

  test.each(replayTable)('$scenario (rule $rule): $expectation', async (row) => {
    const scenario = load(row.scenario);
    const replay = await startReplay(scenario, row);
    const { master, store, tasks, subscribedAs } = replay;
    try {
      await master.played;
      expect([...tasks.keys()].sort()).toEqual(Object.keys(row.states).sort());
      for (const [id, taskId] of tasks) {
        const states = row.states[id] ?? [];
        await until(`the end of ${id}`, () => statusOf(store, taskId) === states.at(-1));
        expect([id, store.statuses(taskId)]).toEqual([id, states]);
        if (states.at(-1) !== TaskState.NOT_START) continue;
        expect(store.table.rows.get(taskId)?.task).toMatchObject({ countedFailures: 0, freeFailures: 1 });
      }

      const arrivals = scenario.steps.flatMap((step) =>
        step.kind === 'event' && step.body.type === 'UPDATE' ? (step.body.update.status.uuid ?? []) : [],
      );
      const acknowledged = (): string[] => master.calls.flatMap((call) => call.acknowledge?.uuid ?? []);
      await until('every acknowledgement', () => acknowledged().length >= arrivals.length);
      expect(acknowledged().sort()).toEqual([...arrivals].sort());

      const subscribes = row.subscribes ?? recordedSubscribes(scenario);
      await until('every subscription', () => subscribedAs.length >= subscribes.length);
      expect(subscribedAs.slice(0, subscribes.length).map((id) => (id === null ? 'new' : 'known'))).toEqual(subscribes);
      await row.besides?.(replay);
      expect(unlawfulLaunches(master.calls, master.offers)).toEqual([]);
    } finally {
      await replay.close();
    }
  });
});

/** A conversation, or several one after the other, without the recorder's own tidying up at the end of a single one. */
function load(names: string): Scenario {
  const [first, ...others] = names.split(' + ').map(loadScenario);
  if (first === undefined) throw new Error('no scenario');
  if (others.length > 0) return { ...first, steps: [first, ...others].flatMap(({ steps }) => steps) };
  const isTidiedUp = first.steps.some((step) => step.kind === 'call' && step.body.type === 'TEARDOWN');
  return isTidiedUp ? { ...first, steps: first.steps.filter(({ kind }) => kind !== 'stream-end') } : first;
}

function recordedSubscribes({ steps }: Scenario): ('new' | 'known')[] {
  const calls = steps.flatMap((step) => (step.kind === 'call' && step.body.type === 'SUBSCRIBE' ? [step.body] : []));
  return calls.map(({ framework_id: id }) => (id === undefined ? 'new' : 'known'));
}
