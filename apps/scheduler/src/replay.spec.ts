import { describe, expect, test } from '@jest/globals';
import { TaskState, type TaskId } from '@juice/contracts';
import { createMemoryBroker } from '@juice/messaging';
import { createMesosClient } from '@juice/mesos';
import { loadScenario, scenarioNames } from '@juice/mesos/testing';
import { createLogger } from '@juice/observability';
import { defaultPolicy } from '@juice/scheduling';
import { until } from '@juice/trial';
import { createMemoryStore, statusOf } from '../testing/memory-store.ts';
import { playScenario } from '../testing/recorded-master.ts';
import { frameworkInfo } from './session.ts';
import { startTerm } from './term.ts';

const { NOT_START, STAGING, RUNNING, FINISHED, FAILED, KILLED } = TaskState;

/**
 * Recorded conversations with a real master, played to our client, translation and core.
 *
 * `states`: what each recorded task goes through, by the field study's rules 13 to 16 and 25 to 30. `unacknowledged`:
 * uuids of the recording that may stay without ACKNOWLEDGE (none: every arrival of an update with a uuid is acknowledged).
 */
const table: readonly { scenario: string; rule: string; states: Readonly<Record<string, readonly TaskState[]>> }[] = [
  {
    scenario: 'lifecycle-finished-json',
    rule: 'each update with a uuid is acknowledged after its state is stored',
    states: { 't-finished': [STAGING, RUNNING, FINISHED] },
  },
  {
    scenario: 'lifecycle-finished-protobuf',
    rule: 'the same by protobuf',
    states: { 't-finished': [STAGING, RUNNING, FINISHED] },
  },
  {
    scenario: 'lifecycle-failed',
    rule: 'exit codes, signals and time limits are the task’s own failures; a container that cannot be launched is not',
    states: {
      't-exit3': [STAGING, RUNNING, FAILED],
      't-signal': [STAGING, RUNNING, FAILED],
      't-notfound': [STAGING, RUNNING, FAILED],
      't-uri-missing': [STAGING, NOT_START],
      't-too-long': [STAGING, RUNNING, FAILED],
    },
  },
  {
    scenario: 'lifecycle-killed',
    rule: 'KILLING is no news; a killed task is KILLED though it exits 0; answers about unknown tasks change nothing',
    states: { 't-kill': [STAGING, RUNNING, KILLED], 't-trap': [STAGING, RUNNING, KILLED] },
  },
  {
    scenario: 'reconcile',
    rule: 'reconciliation answers without uuid are facts and not acknowledged; no write for what is known already',
    states: { 't-run': [STAGING, RUNNING, KILLED] },
  },
  {
    scenario: 'unacknowledged-update-is-resent',
    rule: 'a repeated update is acknowledged again and changes nothing',
    states: { 't-noack': [STAGING, RUNNING, FINISHED] },
  },
  {
    scenario: 'scheduler-reconnects',
    rule: 'an update missed while away comes on the next subscription, made with the same framework id',
    states: { 't-long': [STAGING, RUNNING, FINISHED] },
  },
];

describe('recorded conversations', () => {
  test('are all there', () => {
    for (const { scenario } of table) expect(scenarioNames).toContain(scenario);
  });

  test.each(table)('$scenario: $rule', async ({ scenario: name, states }) => {
    const scenario = loadScenario(name);
    const store = createMemoryStore();
    const broker = createMemoryBroker({ log: createLogger({ service: 'test', level: 'silent' }) });
    const submitted: TaskId[] = [];
    const master = await playScenario(scenario, {
      submit(count) {
        for (let at = 0; at < count; at += 1) {
          const taskId = store.submit();
          submitted.push(taskId);
          void broker.publish('juice.tasks', 'task', { v: 1, taskIds: [String(taskId)] });
        }
      },
      kill(mesosTaskId) {
        for (const taskId of submitted) {
          if (!mesosTaskId.includes(`-${taskId}-`)) continue;
          store.table.requestKill(taskId);
          void broker.publish('juice.commands', 'kill', { v: 1, kind: 'kill', taskIds: [String(taskId)] });
        }
      },
    });
    const client = createMesosClient({ masters: [master.url], contentType: scenario.contentType });
    const subscribedAs: (string | null)[] = [];
    let frameworkId: string | null = null;
    const term = startTerm({
      leadership: {
        epoch: 1,
        assertLeading: () => undefined,
        lost: new Promise(() => undefined),
        release: () => Promise.resolve(),
      },
      store,
      frameworks: {
        load: () => Promise.resolve(frameworkId === null ? null : { frameworkId }),
        save: (_name, id) => {
          frameworkId = id;
          return Promise.resolve('saved');
        },
        clear: () => Promise.resolve(),
      },
      frameworkName: 'juice',
      broker,
      subscribe: (id, signal) => {
        subscribedAs.push(id);
        return client.subscribe(
          frameworkInfo({
            name: 'juice',
            user: 'root',
            role: 'juice',
            principal: null,
            hostname: 'h',
            failoverTimeoutMs: 60_000,
            frameworkId: id,
          }),
          [],
          signal,
        );
      },
      // No second attempt while the recording plays on.
      policy: { ...defaultPolicy, retryPauseMs: 3_600_000, retryPauseMostMs: 3_600_000 },
      log: createLogger({ service: 'test', level: 'silent' }),
      now: Date.now,
      random: () => 0,
    });

    try {
      await master.played;
      const expected = Object.values(states);
      await until(`the last states of ${Object.keys(states).join(', ')}`, () =>
        submitted.every((taskId, at) => statusOf(store, taskId) === expected[at]?.at(-1)),
      );
      expect(submitted.map((taskId) => store.statuses(taskId))).toEqual(expected);

      const arrivals = scenario.steps.flatMap((step) =>
        step.kind === 'event' && step.body.type === 'UPDATE' ? (step.body.update.status.uuid ?? []) : [],
      );
      const acknowledged = (): string[] =>
        master.calls.flatMap((call) => (call.type === 'ACKNOWLEDGE' ? (call.acknowledge?.uuid ?? []) : []));
      await until('every acknowledgement', () => acknowledged().length >= arrivals.length);
      expect(acknowledged().sort()).toEqual([...arrivals].sort());
      expect(subscribedAs.slice(1).every((id) => id === frameworkId)).toBe(true);
    } finally {
      await term.stop();
      await broker.close();
      await master.close();
    }
  });
});
