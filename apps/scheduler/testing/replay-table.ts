import { expect } from '@jest/globals';
import { TaskState } from '@juice/contracts';
import type { Policy } from '@juice/scheduling';
import { until } from '@juice/trial';
import type { MemoryStore } from './memory-store.ts';
import type { PlayOptions } from './recorded-master.ts';
import type { Replay } from './replay.ts';

const { NOT_START, STAGING, RUNNING, UNREACHABLE, FINISHED, FAILED, KILLED, ERROR } = TaskState;

const finished = [STAGING, RUNNING, FINISHED];
const failed = [STAGING, RUNNING, FAILED];
const killed = [STAGING, RUNNING, KILLED];
/** The attempt is lost and costs the task nothing: it waits for the next one. */
const lost = [STAGING, RUNNING, NOT_START];
const dropped = [STAGING, NOT_START];
const invalid = [STAGING, ERROR];

/**
 * A recorded conversation with a real master, or several played one after the other (`a + b`).
 *
 * `rule`: what it shows, by the numbers of docs/mesos-rules.md. `states`: what each task goes through that ours runs
 * in the place of a recorded one. In all of them every arrival of an update with a uuid is acknowledged, offers are
 * answered once and not overdrawn, tasks that wait again have lost nothing, and we subscribe as often as recorded.
 */
export interface Row extends PlayOptions {
  readonly scenario: string;
  readonly rule: string;
  readonly expectation: string;
  readonly states: Readonly<Record<string, readonly TaskState[]>>;
  readonly policy?: Partial<Policy>;
  /** As which framework it subscribes, when not first as a new one and then as that. */
  readonly subscribes?: readonly ('new' | 'known')[];
  /** What an earlier leader left in the store. */
  readonly before?: (store: MemoryStore, frameworkId: string) => void;
  readonly besides?: (replay: Replay) => Promise<void> | void;
}

export const replayTable: readonly Row[] = [
  {
    scenario: 'lifecycle-finished-json',
    rule: '1, 3, 8, 13, 14',
    expectation: 'each update with a uuid is acknowledged after its state is stored',
    states: { 't-finished': finished },
  },
  {
    scenario: 'lifecycle-finished-protobuf',
    rule: '1, 3, 8, 13, 14',
    expectation: 'the same by protobuf',
    states: { 't-finished': finished },
  },
  {
    scenario: 'lifecycle-failed',
    rule: '17',
    expectation: 'exit codes, signals and time limits are its own failures; a container that cannot be launched is not',
    states: {
      't-exit3': failed,
      't-signal': failed,
      't-notfound': failed,
      't-uri-missing': dropped,
      't-too-long': failed,
    },
  },
  {
    scenario: 'lifecycle-killed',
    rule: '16, 25, 27, 28',
    expectation: 'KILLING is no news; a killed task is KILLED though it exits 0; words on unknown tasks change nothing',
    states: { 't-kill': killed, 't-trap': killed },
  },
  {
    scenario: 'launch-invalid',
    rule: '4, 13, 19, 22, 24',
    expectation: 'an invalid task ends in ERROR beside good ones; what a void offer dropped waits again at no cost',
    states: {
      't-ok': finished,
      't-no-command': invalid,
      't/slash': invalid,
      't-ok#2': invalid,
      't-too-big': invalid,
      't-gpu': invalid,
      't-docker-empty': invalid,
      't-noalloc': finished,
      't-wrongagent': invalid,
      't-offer-reuse': dropped,
      't-offer-unknown': dropped,
      't-docker': dropped,
    },
  },
  {
    scenario: 'offers-decline-suppress-revive',
    rule: '23, 34',
    expectation: 'idle: offers go back with a long filter, then silence; new work that no offer holds asks anew',
    states: {},
    meets: ['DECLINE', 'SUPPRESS', 'REVIVE'],
    policy: { offerHoldMs: 0 },
    besides({ master }) {
      const demand = master.calls.filter(({ type }) => type === 'SUPPRESS' || type === 'REVIVE');
      expect(demand.map(({ type }) => type)).toEqual(['SUPPRESS', 'REVIVE', 'SUPPRESS', 'REVIVE']);
      const [first] = master.calls.filter(({ type }) => type === 'DECLINE');
      expect(first?.decline?.filters?.refuse_seconds).toBeGreaterThanOrEqual(120);
    },
  },
  {
    scenario: 'offer-rescinded',
    rule: '22, 23',
    expectation: 'what was rescinded is neither used nor declined',
    states: {},
    async besides({ master, term, heard, submit }) {
      await until('both rescinded', () => heard.filter(({ kind }) => kind === 'offer.rescinded').length === 2);
      submit();
      await until('a task waits', () => term.describe().waiting === 1);
      expect(term.describe().live).toBe(0);
      expect(master.calls.map(({ type }) => type)).toEqual(['SUBSCRIBE']);
    },
  },
  {
    scenario: 'reconcile',
    rule: '13, 31, 32',
    expectation: 'answers without uuid are facts and not acknowledged; no write for what is known already',
    states: { 't-run': killed },
  },
  {
    scenario: 'unacknowledged-update-is-resent',
    rule: '14, 15',
    expectation: 'a repeated update is acknowledged again and changes nothing',
    states: { 't-noack': finished },
  },
  {
    scenario: 'scheduler-reconnects',
    rule: '5, 8, 29',
    expectation: 'an update missed while away comes on the next subscription, made with the same framework id',
    states: { 't-long': finished },
  },
  {
    scenario: 'master-restarts',
    rule: '2, 5, 8, 29',
    expectation: 'tries until the master is back, with the id it has; asks again while silence is answered',
    states: { 't-master': killed },
    // Refused connection, then 503, then accepted.
    subscribes: ['new', 'known', 'known', 'known'],
    asks: 5,
    policy: { askAgainMs: 1, askAgainMostMs: 1 },
  },
  {
    scenario: 'agent-unreachable-and-back',
    rule: '15, 17, 18, 33',
    expectation:
      'UNREACHABLE is no end; the agent’s failure makes us ask; back again it runs, and is killed when asked',
    states: { 't-part': [STAGING, RUNNING, UNREACHABLE, RUNNING, KILLED] },
    asks: 1,
  },
  {
    scenario: 'agent-drained',
    rule: '17, 35',
    expectation: 'killed for draining, not by its tenant: waits again at no cost',
    states: { 't-drain': lost },
  },
  {
    scenario: 'agent-marked-gone',
    rule: '13, 17',
    expectation: 'gone by the operator’s word: waits again at no cost, and later words on the attempt change nothing',
    states: { 't-gone': lost },
  },
  {
    scenario: 'agent-unregisters',
    rule: '17',
    expectation: 'LOST though we are PARTITION_AWARE: waits again at no cost',
    states: { 't-unreg': lost },
  },
  {
    scenario: 'framework-failed-over',
    rule: '10, 11',
    expectation: 'another process has our framework id: we step down and do not subscribe again',
    states: {},
    async besides({ term, subscribedAs }) {
      await expect(term.over).rejects.toMatchObject({ code: 'SUPERSEDED' });
      expect(subscribedAs).toEqual([null]);
    },
  },
  {
    scenario: 'framework-failed-over-second',
    rule: '8',
    expectation: 'a successor subscribes with the stored id',
    states: {},
    subscribes: ['known'],
  },
  {
    scenario: 'framework-removed + framework-removed-resubscribe',
    rule: '9',
    expectation: 'torn down behind our back: alerts and asks for a new id',
    states: {},
    subscribes: ['new', 'known', 'new'],
    besides: expectAlert,
  },
  {
    scenario: 'framework-removed-resubscribe + framework-failed-over-second',
    rule: '9, 17',
    expectation: 'removed while nobody led: what the last leader left running is lost at no cost',
    states: {},
    subscribes: ['known', 'new'],
    before: leaveRunning,
    async besides(replay) {
      await expectAlert(replay);
      const [row] = replay.store.table.rows.values();
      await until('the attempt is lost', () => row?.status === NOT_START, { withinMs: 5_000 });
      expect(row?.task).toMatchObject({ attempt: 1, countedFailures: 0, freeFailures: 1 });
    },
  },
  {
    scenario: 'failover-timeout-expires',
    rule: '9, 17',
    expectation: 'away for too long: alerts, loses its attempts at no cost, and asks for a new id',
    states: { 't-orphan': lost },
    subscribes: ['new', 'known', 'new'],
    besides: expectAlert,
  },
  ...['bad-framework-info', 'bad-framework-role'].map((scenario) => ({
    scenario,
    rule: '12',
    expectation: 'refused for its configuration: alerts and pauses for long',
    states: {},
    async besides(replay: Replay) {
      await expectAlert(replay);
      await until('a long pause', () => replay.pauses.some((ms) => ms >= 30_000));
    },
  })),
  {
    scenario: 'ports-reservations-attributes',
    rule: '12, 19, 22, 24',
    expectation: 'reserved resources are used first and as they were offered; ports are a resource; sums are exact',
    states: {
      't-two-agents': dropped,
      't-ports': finished,
      't-ports-clash': invalid,
      't-reserved': finished,
      't-mixed': finished,
      't-float': finished,
    },
  },
  {
    scenario: 'health-check-fails',
    rule: '15, 25',
    expectation: 'KILLED, unhealthy and nobody asked: a failure',
    states: { 't-unhealthy': failed },
  },
  {
    scenario: 'environment-and-uris',
    rule: '20',
    expectation: 'variables and URIs are in the launch',
    states: { 't-uri': finished },
    besides({ master }) {
      const launch = master.calls.find(({ type }) => type === 'ACCEPT')?.accept?.operations?.[0]?.launch;
      const command = launch?.task_infos?.[0]?.command;
      expect(command?.environment?.variables).toMatchObject([{ name: 'GREETING', value: 'hi' }]);
      expect(command?.uris).toMatchObject([{ value: 'http://127.0.0.1:18099/hello.sh' }]);
    },
  },
];

function leaveRunning(store: MemoryStore, frameworkId: string): void {
  const taskId = store.submit();
  const row = store.table.rows.get(taskId);
  if (row === undefined) return;
  const agent = { agentId: 'an-agent', agentHost: 'a-host' };
  const times = { launchedAtMs: 1, startedAtMs: 2 };
  const place = { groupPlace: null, preempted: false, quarantined: false };
  row.task = { ...row.task, seq: 2, attempt: 1 };
  row.status = RUNNING;
  row.live = { mesosTaskId: `a_task-${taskId}-1`, frameworkId, ...agent, ...times, state: 'running', ...place };
}

async function expectAlert({ logged }: Replay): Promise<void> {
  const isAlert = ({ level, event }: { level: string; event: string }): boolean =>
    level === 'error' && event === 'cluster.error';
  await until('an alert', () => logged.some(isAlert), { withinMs: 5_000 });
}
