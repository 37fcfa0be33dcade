import { asTaskId, type TaskId } from '@juice/contracts';
import { noLimits, type Event, type Launch, type MesosCall, type MesosState } from '@juice/scheduling';
import type { Candidate } from './candidate.ts';
import { Measures, type Measured } from './measures.ts';
import type { Scenario } from './scenario.ts';
import { Timeline } from './timeline.ts';
import { VirtualCluster } from './virtual-cluster.ts';
import type { Submission } from './workload.ts';

export interface Outcome extends Measured {
  readonly scheduler: string;
  readonly submitted: number;
  /** Frames played, and those of them in which something was matched. */
  readonly frames: number;
  readonly cycles: number;
  /** When the last task had ended, or the simulation was ended. */
  readonly endedMs: number;
  /** What the scheduler's own thinking took: the one thing here that another run does not repeat. */
  readonly cpuMs: number;
}

/** Far from 0, which means "never" to the core in places: 1 January 2026. */
const originMs = 1_767_225_600_000;

type Due =
  | { readonly kind: 'tick' | 'allocate' | 'allocate once' | 'allocate stirred' | 'sample' }
  | { readonly kind: 'running' | 'over' | 'killed'; readonly attempt: Attempt };

interface Attempt {
  readonly launch: Launch;
  readonly agentId: string;
  readonly task: Submission;
  isOver: boolean;
}

export interface SimulationSetup {
  readonly scenario: Scenario;
  readonly workload: readonly Submission[];
  readonly createCandidate: (atMs: number) => Candidate;
  /** CPU time of this process. Nothing is decided by it. */
  readonly cpuMicros: () => number;
  /** How often tenants' shares are noted; 0: not. */
  readonly sampleMs?: number;
}

/**
 * Plays a workload through a scheduler, event by event, in virtual time: the same setup gives the same outcome. All that
 * happens at an instant is one frame; what the frame commands happens at that instant too. Attempts start after
 * `startMs` and end as FINISHED after their run time; nothing fails.
 */
export function simulate(setup: SimulationSetup): Outcome {
  const { scenario, workload, cpuMicros, sampleMs = 0 } = setup;
  const { cluster: settings } = scenario;
  const cluster = new VirtualCluster(scenario);
  const measures = new Measures(scenario, { ...cluster.total });
  const candidate = setup.createCandidate(originMs);
  const timeline = new Timeline<Due>();
  const tasks = new Map<TaskId, { readonly task: Submission; attempts: number }>();
  const attempts = new Map<string, Attempt>();
  const endMs = (scenario.minutes + scenario.drainMinutes) * 60_000;
  let nowMs = 0;
  let submitted = 0;
  let ended = 0;
  let frames = 0;
  let cpu = 0;

  function play(events: readonly Event[]): void {
    const beforeMicros = cpuMicros();
    const { call } = candidate.play(events, originMs + nowMs);
    cpu += cpuMicros() - beforeMicros;
    frames += 1;
    call.forEach(perform);
  }

  function perform(call: MesosCall): void {
    switch (call.kind) {
      case 'accept': {
        const started = call.launches.map((launch) => start(launch, call.agentId));
        const { refuseSeconds } = call;
        cluster.accept(
          call.offerIds,
          started.map(({ task }) => task.needs),
          { refuseSeconds, nowMs },
        );
        return;
      }
      case 'decline':
        return cluster.decline(call.offerIds, { refuseSeconds: call.refuseSeconds, nowMs });
      case 'revive':
        cluster.revive();
        return timeline.add(nowMs, { kind: 'allocate once' });
      case 'suppress':
        return cluster.suppress();
      case 'kill': {
        const attempt = attempts.get(call.mesosTaskId);
        if (attempt !== undefined) timeline.add(nowMs, { kind: 'killed', attempt });
        return;
      }
      // Nothing here is in doubt, or away for maintenance, and no update asks to be acknowledged.
      case 'acknowledge':
      case 'reconcile':
      case 'answer inverse':
        return;
      default:
        call satisfies never;
    }
  }

  function start(launch: Launch, agentId: string): Attempt {
    const entry = tasks.get(launch.taskId) as { readonly task: Submission; attempts: number };
    const { task } = entry;
    entry.attempts += 1;
    measures.launched(task, entry.attempts === 1);
    const attempt: Attempt = { launch, agentId, task, isOver: false };
    attempts.set(launch.mesosTaskId, attempt);
    timeline.add(nowMs + settings.startMs, { kind: 'running', attempt });
    timeline.add(nowMs + settings.startMs + task.runMs, { kind: 'over', attempt });
    return attempt;
  }

  function happen(due: Due): Event[] {
    const atMs = originMs + nowMs;
    switch (due.kind) {
      case 'tick':
        timeline.add(nowMs + settings.tickMs, due);
        return [{ kind: 'clock.ticked', atMs, backlog: 0 }];
      case 'allocate':
        timeline.add(nowMs + settings.allocationSeconds * 1000, due);
        return offered(cluster.allocate(nowMs));
      case 'allocate once':
        return offered(cluster.allocate(nowMs));
      case 'allocate stirred':
        return offered(cluster.allocateStirred(nowMs));
      case 'sample':
        timeline.add(nowMs + sampleMs, due);
        measures.sample();
        return [];
      case 'running':
        return due.attempt.isOver ? [] : [statusOf(due.attempt, 'TASK_RUNNING', atMs)];
      case 'over':
        if (due.attempt.isOver) return [];
        ended += 1;
        return [end(due.attempt, 'TASK_FINISHED', atMs)];
      case 'killed':
        return due.attempt.isOver ? [] : [end(due.attempt, 'TASK_KILLED', atMs)];
      default:
        return due satisfies never;
    }
  }

  function offered(offers: ReturnType<VirtualCluster['allocate']>): Event[] {
    return offers.length === 0 ? [] : [{ kind: 'offers.received', atMs: originMs + nowMs, offers }];
  }

  function end(attempt: Attempt, state: MesosState, atMs: number): Event {
    attempt.isOver = true;
    attempts.delete(attempt.launch.mesosTaskId);
    measures.ended(attempt.task);
    if (cluster.release(attempt.agentId, attempt.task.needs))
      timeline.add(nowMs + settings.promptMs, { kind: 'allocate stirred' });
    return statusOf(attempt, state, atMs);
  }

  function submit(task: Submission): Event {
    submitted += 1;
    const taskId = asTaskId(BigInt(submitted)) as TaskId;
    tasks.set(taskId, { task, attempts: 0 });
    measures.submitted(task);
    return loadedEvent(taskId, task);
  }

  play([limitsOf(scenario)]);
  timeline.add(0, { kind: 'allocate' });
  timeline.add(settings.tickMs, { kind: 'tick' });
  if (sampleMs > 0) timeline.add(0, { kind: 'sample' });
  while (ended < workload.length) {
    nowMs = Math.min(timeline.nextMs, workload[submitted]?.atMs ?? Infinity);
    if (nowMs > endMs) break;
    measures.pass(nowMs);
    const events = timeline.take(nowMs).flatMap(happen);
    for (let task = workload[submitted]; task !== undefined && task.atMs <= nowMs; task = workload[submitted])
      events.push(submit(task));
    if (events.length > 0) play(events);
  }
  measures.pass(Math.min(nowMs, endMs));
  const facts = { submitted, frames, cycles: candidate.cycles(), endedMs: Math.min(nowMs, endMs), cpuMs: cpu / 1000 };
  return { scheduler: candidate.name, ...facts, ...measures.result() };
}

function limitsOf({ tenants }: Scenario): Event {
  return {
    kind: 'tenants.configured',
    atMs: originMs,
    tenants: tenants.map(({ id, weight, limits }) => {
      const { cpus, ...others } = limits;
      const cpuMillis = cpus === null ? null : Math.round(cpus * 1000);
      return { tenantId: id, limits: { ...noLimits, ...others, weight, cpuMillis } };
    }),
  };
}

function statusOf({ launch, agentId }: Attempt, state: MesosState, atMs: number): Event {
  const { mesosTaskId } = launch;
  const facts = { message: '', reason: null, agentId, uuid: null, healthy: true };
  return { kind: 'status.received', atMs, status: { mesosTaskId, state, ...facts } };
}

function loadedEvent(taskId: TaskId, submission: Submission): Event {
  const { atMs, tenantId, name, needs, priority, constraints, group } = submission;
  const submittedAtMs = originMs + atMs;
  return {
    kind: 'task.loaded',
    atMs: submittedAtMs,
    taskId,
    live: {
      task: {
        taskId,
        tenantId,
        taskName: name,
        seq: 0,
        attempt: 0,
        countedFailures: 0,
        freeFailures: 0,
        retry: 0,
        priority,
        needs,
        constraints,
        group,
        role: '*',
        callback: 'none',
        submittedAtMs,
        expireAtMs: Number.MAX_SAFE_INTEGER,
        maxRunMs: 0,
        lostAfterMs: null,
        notBeforeMs: 0,
        avoidHost: null,
        killRequested: false,
      },
      live: null,
    },
  };
}
