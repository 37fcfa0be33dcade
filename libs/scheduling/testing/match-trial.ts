import type { SchedulableTask, TaskId } from '@juice/contracts';
import {
  createCommands,
  createState,
  decide,
  defaultPolicy,
  type Commands,
  type Event,
  type MesosState,
  type Offer,
  type Policy,
  type State,
  type TenantLimits,
} from '../src/index.ts';
import { offerOf, testPatterns } from './samples.ts';
import { TaskTable } from './task-table.ts';

/** A scheduler that leads, with nothing waiting and nothing offered: for trials of what is placed where. */
export class MatchTrial {
  readonly table = new TaskTable();
  readonly state: State;
  readonly offers = new Map<string, Offer>();
  atMs = 1_000;

  constructor(policy: Partial<Policy> = {}) {
    this.state = createState({ ...defaultPolicy, ...policy }, testPatterns);
    this.frame({ kind: 'cluster.subscribed', atMs: this.atMs, frameworkId: 'f' });
    this.frame({ kind: 'takeover.completed', atMs: this.atMs });
  }

  /** One frame, stored; returns what it commands. */
  frame(...events: readonly Event[]): Commands {
    const out = createCommands();
    for (const event of events) decide(this.state, event, out);
    decide(this.state, { kind: 'frame.closing', atMs: this.atMs, backlog: 0 }, out);
    this.table.apply(out.persist);
    return out;
  }

  limit(tenantId: string, limits: TenantLimits): void {
    this.frame({ kind: 'tenants.configured', atMs: this.atMs, tenants: [{ tenantId, limits }] });
  }

  /** Submits tasks, not matched yet with anything; their ids in order. */
  submit(tasks: readonly Partial<SchedulableTask>[]): TaskId[] {
    const ids = tasks.map((facts) => this.table.insert(facts).taskId);
    this.frame(
      ...ids.map((taskId): Event => ({ kind: 'task.loaded', atMs: this.atMs, taskId, live: this.table.load(taskId) })),
    );
    return ids;
  }

  /** Offers all this at once; which tasks are launched on which agent, in the order of their launch. */
  offer(offers: readonly Offer[]): [TaskId, string][] {
    for (const offer of offers) this.offers.set(offer.offerId, offer);
    return launchesOf(this.frame({ kind: 'offers.received', atMs: this.atMs, offers }));
  }

  /** The passing of time. */
  pass(ms: number): Commands {
    this.atMs += ms;
    return this.frame({ kind: 'clock.ticked', atMs: this.atMs, backlog: 0 });
  }

  finish(taskId: TaskId): Commands {
    return this.tell(taskId, 'TASK_FINISHED');
  }

  tell(taskId: TaskId, state: MesosState): Commands {
    const mesosTaskId = this.table.rows.get(taskId)?.live?.mesosTaskId ?? '';
    const facts = { message: '', reason: null, agentId: 'a', uuid: null, healthy: true };
    return this.frame({
      kind: 'status.received',
      atMs: this.atMs,
      status: { mesosTaskId, state, ...facts },
    });
  }
}

export function launchesOf(commands: Commands): [TaskId, string][] {
  return commands.call.flatMap((call) =>
    call.kind === 'accept' ? call.launches.map(({ taskId }): [TaskId, string] => [taskId, call.agentId]) : [],
  );
}

export function needsOf(cpus: number, memMb = 10, more: Partial<SchedulableTask['needs']> = {}) {
  return { cpuMillis: Math.round(cpus * 1000), memMb, diskMb: 0, gpus: 0, ports: 0, hostPorts: [], ...more };
}

/** An agent of this name that offers so many CPUs. */
export function roomOn(agent: string, cpus: number, more: Partial<Offer> = {}): Offer {
  const facts = { offerId: agent, agentId: agent, hostname: `host-${agent}`, cpuMillis: cpus * 1000, memMb: 1000 };
  return offerOf({ ...facts, ...more });
}

/** A task that wants so many CPUs. */
export function wanting(cpus: number, more: Partial<SchedulableTask> = {}): Partial<SchedulableTask> {
  return { needs: needsOf(cpus), ...more };
}
