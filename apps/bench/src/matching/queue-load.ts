import { asTaskId, type LiveTask, type TaskId } from '@juice/contracts';
import type { Event, Offer } from '@juice/scheduling';

/** What a scheduler has before it when it is measured. */
export interface QueueLoad {
  readonly waiting: number;
  readonly running: number;
  readonly tenants: number;
  readonly agents: number;
  /** What each agent offers: with little, nothing fits. */
  readonly offered: { readonly cpuMillis: number; readonly memMb: number };
}

/** 1 January 2026: an instant as long as real ones. */
export const atMs = 1_767_225_600_000;

/** Seventy shapes, of 0.1 to 1 CPU and 64 to 256 MB; seven of them to a tenant when there are a hundred. */
const shapes = 70;
const needs = Array.from({ length: shapes }, (_, at) => ({
  cpuMillis: 100 + (at % 10) * 100,
  memMb: 64 + 32 * (at % 7),
  diskMb: 0,
  gpus: 0,
  ports: 0,
  hostPorts: [],
}));

export function runningEvents(load: QueueLoad): Iterable<Event> {
  return eventsOf(load, 0, load.running, true);
}

export function waitingEvents(load: QueueLoad): Iterable<Event> {
  return eventsOf(load, load.running, load.running + load.waiting, false);
}

/** One after the other: a million of them at once would weigh more than what is measured. */
function* eventsOf(load: QueueLoad, from: number, to: number, isRunning: boolean): Iterable<Event> {
  for (let n = from; n < to; n += 1) {
    const taskId = asTaskId(806_769_905_152_840_693n + BigInt(n)) as TaskId;
    yield { kind: 'task.loaded', atMs, taskId, live: liveTask(load, taskId, n, isRunning) };
  }
}

function liveTask({ tenants, agents }: QueueLoad, taskId: TaskId, n: number, isRunning: boolean): LiveTask {
  const agent = n % agents;
  return {
    task: {
      taskId,
      tenantId: `tenant-${n % tenants}`,
      taskName: `nightly-report-${n}`,
      seq: 0,
      attempt: isRunning ? 1 : 0,
      countedFailures: 0,
      freeFailures: 0,
      retry: 3,
      priority: n % 3 === 0 ? 1 : 0,
      needs: needs[n % shapes] as (typeof needs)[number],
      constraints: [],
      group: null,
      role: '*',
      callback: 'all',
      submittedAtMs: atMs - 900_000 + n,
      expireAtMs: atMs + 86_400_000,
      maxRunMs: 0,
      lostAfterMs: null,
      notBeforeMs: 0,
      avoidHost: null,
      killRequested: false,
    },
    live: isRunning
      ? {
          mesosTaskId: `nightly_report_${n}-${taskId}-1`,
          frameworkId: 'simulated',
          agentId: `agent-${agent}`,
          agentHost: `host-${agent}`,
          launchedAtMs: atMs - 60_000,
          startedAtMs: atMs - 59_000,
          state: 'running',
          groupPlace: null,
          preempted: false,
          quarantined: false,
        }
      : null,
  };
}

export function offersOf({ agents, offered }: QueueLoad): Offer[] {
  return Array.from({ length: agents }, (_, at) => ({
    offerId: `offer-${at}`,
    agentId: `agent-${at}`,
    role: '*',
    hostname: `host-${at}`,
    agentPort: 5051,
    ...offered,
    diskMb: 100_000,
    gpus: 0,
    ports: 10,
    portRanges: [{ begin: 31_000, end: 31_009 }],
    attributes: [{ name: 'rack_id', kind: 'text', text: `r${at % 20}` }],
    unavailability: null,
  }));
}
