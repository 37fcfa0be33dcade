import { Writable } from 'node:stream';
import type { TaskId } from '@juice/contracts';
import { createMemoryBroker } from '@juice/messaging';
import { createMesosClient } from '@juice/mesos';
import type { Scenario } from '@juice/mesos/testing';
import { createLogger } from '@juice/observability';
import { createMemoryEventLog } from '@juice/persistence/testing';
import { decide, defaultPolicy, type Event, type Policy } from '@juice/scheduling';
import { frameworkInfo } from '../src/session.ts';
import { startTerm, type Term } from '../src/term.ts';
import { wait } from '../src/wait.ts';
import { createMemoryStore, plainTenants, unswitched, type MemoryStore } from './memory-store.ts';
import { playScenario, type PlayOptions, type RecordedMaster } from './recorded-master.ts';

/** A recorded conversation, and the term of leadership that it is played to. */
export interface Replay {
  readonly term: Term;
  readonly store: MemoryStore;
  readonly master: RecordedMaster;
  /** The tasks submitted in place of recorded ones, by recorded id (`id#2` for the second use of an id). */
  readonly tasks: ReadonlyMap<string, TaskId>;
  /** The framework id of each subscription so far, null for a new one. */
  readonly subscribedAs: readonly (string | null)[];
  /** What the core was told. */
  readonly heard: readonly Event[];
  readonly logged: readonly { readonly level: string; readonly event: string; readonly detail?: string }[];
  /** Every pause the term made, in ms. */
  readonly pauses: readonly number[];
  submit(facts?: Parameters<MemoryStore['submit']>[1]): TaskId;
  close(): Promise<void>;
}

/** The term's pauses pass this much faster. */
const haste = 50;
/** What no offer in any recording holds. */
const tooMuch = { cpuMillis: 1_000_000, memMb: 32, diskMb: 0, gpus: 0, ports: 0, hostPorts: [] };

/** By default offers are kept, and no second attempt is made while the recording plays on. */
const patient: Policy = {
  ...defaultPolicy,
  offerHoldMs: 3_600_000,
  retryPauseMs: 3_600_000,
  retryPauseMostMs: 3_600_000,
  reviveIntervalMs: 0,
};

export async function startReplay(
  scenario: Scenario,
  options: PlayOptions & { policy?: Partial<Policy>; before?: (store: MemoryStore, frameworkId: string) => void } = {},
): Promise<Replay> {
  const store = createMemoryStore();
  const logged: { level: string; event: string; detail?: string }[] = [];
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      logged.push(JSON.parse(line.toString()) as (typeof logged)[number]);
      done();
    },
  });
  const log = createLogger({ service: 'scheduler', level: 'warn', stream });
  const broker = createMemoryBroker({ log: createLogger({ service: 'test', level: 'silent' }) });
  const tasks = new Map<string, TaskId>();
  const misfits: TaskId[] = [];
  const heard: Event[] = [];
  const pauses: number[] = [];
  const subscribedAs: (string | null)[] = [];

  function tellTasks(taskIds: readonly TaskId[]): void {
    void broker.publish('juice.tasks', 'task', { v: 1, taskIds: taskIds.map(String) });
  }
  function kill(taskId: TaskId): void {
    store.table.requestKill(taskId);
    void broker.publish('juice.commands', 'kill', { v: 1, kind: 'kill', taskIds: [String(taskId)] });
  }
  function submit(facts: Parameters<MemoryStore['submit']>[1] = {}): TaskId {
    const taskId = store.submit({}, facts);
    tellTasks([taskId]);
    return taskId;
  }

  const master = await playScenario(
    scenario,
    {
      submit(recorded) {
        const taskIds = recorded.map(({ id, spec, constraints }) => {
          const taskId = store.submit(spec, { constraints });
          tasks.set(tasks.has(id) ? `${id}#2` : id, taskId);
          return taskId;
        });
        tellTasks(taskIds);
        return taskIds;
      },
      kill(mesosTaskId) {
        for (const taskId of tasks.values()) if (mesosTaskId.includes(`-${taskId}-`)) kill(taskId);
      },
      wantOffers: () => void misfits.push(submit({ needs: tooMuch })),
      wantNone: () => misfits.splice(0).forEach(kill),
    },
    options,
  );

  const first = scenario.steps.find((step) => step.kind === 'call' && step.body.type === 'SUBSCRIBE');
  const knownAs = first?.kind === 'call' ? first.body.framework_id?.value : undefined;
  let frameworkId = knownAs ?? null;
  if (frameworkId !== null) options.before?.(store, frameworkId);
  const client = createMesosClient({ masters: [master.url], contentType: scenario.contentType });
  const term = startTerm({
    leadership: {
      epoch: 1,
      assertLeading: () => undefined,
      lost: new Promise(() => undefined),
      release: () => Promise.resolve(),
    },
    store,
    eventLog: createMemoryEventLog(),
    frameworks: {
      claim: () => Promise.resolve({ frameworkId }),
      save: (_name, id) => {
        frameworkId = id;
        return Promise.resolve('saved');
      },
      clear: () => {
        frameworkId = null;
        return Promise.resolve();
      },
    },
    quarantine: { put: () => Promise.resolve(), keys: () => Promise.resolve([]) },
    tenants: plainTenants,
    ...unswitched,
    frameworkName: 'juice',
    whenRemoved: 'new-id',
    broker,
    subscribe: (id, signal) => {
      subscribedAs.push(id);
      const settings = { name: 'juice', user: 'root', roles: ['juice'], principal: null, hostname: 'h' };
      return client.subscribe(frameworkInfo({ ...settings, failoverTimeoutMs: 60_000, frameworkId: id }), [], signal);
    },
    policy: { ...patient, ...options.policy },
    log,
    now: Date.now,
    random: () => 0,
    wait(ms, signal) {
      pauses.push(ms);
      return wait(ms / haste, signal);
    },
    decide(state, event, out) {
      heard.push(event);
      decide(state, event, out);
    },
  });

  return {
    term,
    store,
    master,
    tasks,
    subscribedAs,
    heard,
    logged,
    pauses,
    submit,
    async close() {
      await term.stop();
      await broker.close();
      await master.close();
    },
  };
}
