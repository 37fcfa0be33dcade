import type { Draft, Event, FrameworkInfo, ReceivedCall, Resource, TaskInfo, TaskStatus } from '@juice/mesos';
import { callFromJson } from '@juice/mesos/testing';
import { createCluster, type AgentSetup, type Cluster } from '../src/cluster/cluster.ts';
import type { ClusterSettings, Effect, ExecutorReport } from '../src/cluster/cluster-state.ts';
import type { Fault } from '../src/cluster/faults.ts';
import { probeFramework } from './scheduler-probe.ts';

/** A cluster without clock, HTTP and processes, and frameworks that talk to it directly. Time passes when told to. */
export interface Bench {
  readonly cluster: Cluster;
  /** What was to be done beside telling frameworks: launches, stops, saves. */
  readonly effects: Effect[];
  now(): number;
  /** Lets time pass, carrying out on the way what becomes due. */
  pass(ms: number): void;
  fault(fault: Fault): void;
  /** What an executor says of a task. */
  report(taskId: string, report: ExecutorReport): void;
  subscribe(options?: {
    framework?: Partial<Draft<FrameworkInfo>>;
    suppressed?: readonly string[];
    id?: string;
  }): BenchFramework;
}

export interface BenchFramework {
  readonly id: string;
  readonly streamId: string;
  readonly events: readonly Event[];
  /** The updates that came unreadable. */
  readonly garbled: readonly TaskStatus[];
  /** What has come since this was asked last. */
  news(): Event[];
  /** `{state} of {task}` of each update since this was asked last. */
  updates(): string[];
  isOpen(): boolean;
  call(call: Record<string, unknown> & { readonly type: string }): number;
  /** The offers that stand, as `agent: cpus, mem`. */
  offers(): string[];
  accept(tasks: readonly Draft<TaskInfo>[], refuseSeconds?: number): number;
  decline(refuseSeconds?: number): void;
  acknowledge(taskId: string): void;
  leave(): void;
}

export function agentSetup(index: number, resources: readonly Resource[] = scalars(4, 1024)): AgentSetup {
  return { id: `A${index}`, hostname: `host${index}`, ip: '127.0.0.1', port: 5051 + index, resources, attributes: [] };
}

export function scalars(cpus: number, mem: number, role?: string): Resource[] {
  const reservations = role === undefined ? [] : [{ type: 'STATIC' as const, role }];
  return [
    { name: 'cpus', type: 'SCALAR', scalar: { value: cpus }, reservations },
    { name: 'mem', type: 'SCALAR', scalar: { value: mem }, reservations },
  ];
}

export function task(
  id: string,
  agent = 'A0',
  resources: readonly Draft<Resource>[] = scalars(1, 64),
): Draft<TaskInfo> {
  return {
    name: id,
    task_id: { value: id },
    agent_id: { value: agent },
    resources,
    command: { value: 'true' },
  } as Draft<TaskInfo>;
}

export function createBench(
  agents: readonly AgentSetup[] = [agentSetup(0)],
  settings: Partial<ClusterSettings> = {},
): Bench {
  let now = 1_000_000;
  let made = 0;
  const effects: Effect[] = [];
  const containers = new Map<string, string>();
  const streams = new Map<string, Told & { open: boolean }>();
  const cluster = createCluster({
    masterId: 'M',
    agents,
    completed: [],
    newUuid: () => `00000000-0000-4000-8000-${String(++made).padStart(12, '0')}`,
    nowMs: now,
    settings: { host: '127.0.0.1', port: 5050, ...settings },
  });

  function take(some: readonly Effect[]): void {
    for (const effect of some) {
      if (effect.kind === 'event') tell(streams.get(effect.streamId), effect.event);
      else if (effect.kind === 'update.garbled') tellGarbled(streams.get(effect.streamId), effect.status);
      else effects.push(effect);
      if (effect.kind === 'launch') containers.set(effect.task.task_id.value, effect.containerId);
      const stream = effect.kind === 'end' ? streams.get(effect.streamId) : undefined;
      if (stream !== undefined) stream.open = false;
    }
  }

  function pass(ms: number): void {
    const until = now + ms;
    for (let due = cluster.nextDueMs(); due !== null && due <= until; due = cluster.nextDueMs()) {
      now = Math.max(now, due);
      take(cluster.tick(now));
    }
    now = until;
  }

  function call(json: unknown, streamId: string | null, newStreamId: string): number {
    const received: ReceivedCall = callFromJson(json);
    const request = { call: received, streamId, acceptable: true, principal: null, newStreamId };
    const { answer, effects: caused } = cluster.call(request, now);
    take(caused);
    return answer.kind === 'stream' ? 200 : answer.status;
  }

  return {
    cluster,
    effects,
    now: () => now,
    pass,
    fault: (fault) => take(cluster.fault(fault, now)),
    report: (taskId, report) => take(cluster.report(containers.get(taskId) ?? '', report, now)),
    subscribe({ framework, suppressed = [], id } = {}) {
      const streamId = `stream-${streams.size}`;
      const stream = { events: [], garbled: [], statuses: [], open: true };
      streams.set(streamId, stream);
      const ids = id === undefined ? {} : { id: { value: id } };
      const subscribe = { framework_info: { ...probeFramework, ...framework, ...ids }, suppressed_roles: suppressed };
      call(
        { type: 'SUBSCRIBE', ...(id === undefined ? {} : { framework_id: { value: id } }), subscribe },
        null,
        streamId,
      );
      return createFramework({ cluster, stream, streamId, now: () => now, call, take });
    },
  };
}

interface Told {
  readonly events: Event[];
  readonly garbled: TaskStatus[];
  /** Of all updates, readable or not, in order. */
  readonly statuses: TaskStatus[];
}

function tell(stream: Told | undefined, event: Event): void {
  stream?.events.push(event);
  if (event.type === 'UPDATE') stream?.statuses.push(event.update.status);
}

function tellGarbled(stream: Told | undefined, status: TaskStatus): void {
  stream?.garbled.push(status);
  stream?.statuses.push(status);
}

interface Connection {
  readonly cluster: Cluster;
  readonly stream: Told & { readonly open: boolean };
  readonly streamId: string;
  readonly now: () => number;
  readonly call: (json: unknown, streamId: string | null, newStreamId: string) => number;
  readonly take: (effects: readonly Effect[]) => void;
}

function createFramework({ cluster, stream, streamId, now, call, take }: Connection): BenchFramework {
  const { events, garbled, statuses } = stream;
  let read = 0;
  const [first] = events;
  const id = first?.type === 'SUBSCRIBED' ? first.subscribed.framework_id.value : '';
  const standing = () => [...cluster.state.offers.values()].filter((offer) => offer.framework.id === id);
  const send = (json: Record<string, unknown>): number =>
    call({ framework_id: { value: id }, ...json }, streamId, 'unused');
  const news = (): Event[] => {
    const fresh = events.slice(read);
    read = events.length;
    return fresh;
  };
  const offer_ids = (): { value: string }[] => standing().map((offer) => ({ value: offer.id }));
  return {
    id,
    streamId,
    events,
    garbled,
    news,
    isOpen: () => stream.open,
    updates: () =>
      news().flatMap((event) =>
        event.type === 'UPDATE' ? [`${event.update.status.state} of ${event.update.status.task_id.value}`] : [],
      ),
    call: send,
    offers: () =>
      standing().map(({ agent, bag }) => {
        const amounts = [...bag.values()].map((amount) => (amount.type === 'SCALAR' ? amount.millis / 1000 : 'ranges'));
        return `${agent.id}: ${amounts.join(', ')}`;
      }),
    accept: (task_infos, refuse_seconds) =>
      send({
        type: 'ACCEPT',
        accept: {
          offer_ids: offer_ids(),
          operations: [{ type: 'LAUNCH', launch: { task_infos } }],
          filters: refuse_seconds === undefined ? undefined : { refuse_seconds },
        },
      }),
    decline: (refuse_seconds) =>
      void send({ type: 'DECLINE', decline: { offer_ids: offer_ids(), filters: { refuse_seconds } } }),
    acknowledge(taskId) {
      const last = statuses.filter((status) => status.task_id.value === taskId && status.uuid !== undefined).at(-1);
      if (last !== undefined) {
        send({ type: 'ACKNOWLEDGE', acknowledge: { uuid: last.uuid, task_id: last.task_id, agent_id: last.agent_id } });
      }
    },
    leave: () => take(cluster.streamEnded(streamId, now())),
  };
}
