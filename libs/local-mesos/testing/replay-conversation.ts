import type { Event, ReceivedCall, Resource, TaskStatus } from '@juice/mesos';
import { loadScenario, type RecordedCall, type Step } from '@juice/mesos/testing';
import { createCluster, type AgentSetup, type Cluster } from '../src/cluster/cluster.ts';
import type { Effect, ExecutorReport } from '../src/cluster/cluster-state.ts';
import type { Fault } from '../src/cluster/faults.ts';

/**
 * Lives a recorded conversation through again with our cluster in the place of the real one: the recorded calls at their
 * times, executors that report what and when the recorded ones did, and the recorded accidents. What comes of it is told
 * in a form in which two conversations are equal if they differ in nothing but ids, instants and the cut of offers.
 */
export interface Replay {
  /** Everything but OFFERS and HEARTBEAT, in order. */
  readonly told: readonly unknown[];
  readonly expected: readonly unknown[];
  /** Status and body of every call that was answered. */
  readonly answers: readonly unknown[];
  readonly expectedAnswers: readonly unknown[];
  /** For each recorded offer: what was on offer of that agent at that moment. */
  readonly offered: readonly unknown[];
  readonly expectedOffered: readonly unknown[];
  readonly offersTold: number;
  readonly offersExpected: number;
}

/** What happened that the recorded side of the conversation cannot know. */
export interface Intervention {
  readonly t: number;
  readonly fault?: Fault;
  readonly rivalSubscribes?: boolean;
}

export interface ReplayOptions {
  readonly interventions?: readonly Intervention[];
  readonly completed?: readonly string[];
  readonly offerTimeoutMs?: number;
}

export function replay(name: string, options: ReplayOptions = {}): Replay {
  const { steps } = loadScenario(name);
  const cluster = createCluster({
    masterId: masterIds(steps)[0] ?? 'master',
    agents: agentsOf(steps),
    completed: options.completed ?? [],
    newUuid: countingUuids(),
    nowMs: 0,
    // Offers often and early: the recorded ones then always find ours made.
    settings: {
      host: '127.0.0.1',
      port: 5050,
      allocationIntervalMs: 100,
      offerTimeoutMs: options.offerTimeoutMs ?? null,
    },
  });
  const session = createSession(cluster);
  const inputs = [
    ...steps.map((step, index) => ({ t: step.t, index, run: () => session.live(step) })),
    ...reportsOf(steps).map(({ t, taskId, report }) => ({ t, index: -1, run: () => session.report(taskId, report) })),
    ...(options.interventions ?? []).map((each) => ({ t: each.t, index: -1, run: () => session.intervene(each) })),
  ].sort((a, b) => a.t - b.t || a.index - b.index);
  for (const { t, run } of inputs) {
    session.passTo(t);
    run();
  }
  return session.result(steps);
}

function countingUuids(): () => string {
  let made = 0;
  return () => `00000000-0000-4000-8000-${String(++made).padStart(12, '0')}`;
}

function masterIds(steps: readonly Step[]): string[] {
  return steps.flatMap((step) =>
    step.kind === 'event' && step.body.type === 'SUBSCRIBED' ? [step.body.subscribed.master_info?.id ?? ''] : [],
  );
}

/** The agents as their first offers show them. */
function agentsOf(steps: readonly Step[]): AgentSetup[] {
  const agents = new Map<string, AgentSetup>();
  for (const step of steps) {
    if (step.kind !== 'event' || step.body.type !== 'OFFERS') continue;
    for (const { agent_id, hostname, url, resources, attributes } of step.body.offers.offers) {
      if (agents.has(agent_id.value)) continue;
      const port = url?.address.port ?? 0;
      agents.set(agent_id.value, {
        id: agent_id.value,
        hostname,
        ip: url?.address.ip ?? '',
        port,
        resources,
        attributes,
      });
    }
  }
  return [...agents.values()].sort((a, b) => a.id.localeCompare(b.id));
}

interface TimedReport {
  readonly t: number;
  readonly taskId: string;
  readonly report: ExecutorReport;
}

/** What the recorded executors must have said, and when: read off the updates' own timestamps. */
function reportsOf(steps: readonly Step[]): TimedReport[] {
  const updates = steps.flatMap((step) =>
    step.kind === 'event' && step.body.type === 'UPDATE' ? [{ t: step.t, status: step.body.update.status }] : [],
  );
  const startMs = Math.max(...updates.map(({ t, status }) => (status.timestamp ?? 0) * 1000 - t));
  const seen = new Set<string>();
  return updates.flatMap(({ status }) => {
    if (status.uuid === undefined || seen.has(status.uuid)) return [];
    seen.add(status.uuid);
    const report = reportBehind(status);
    return report === null
      ? []
      : [{ t: (status.timestamp ?? 0) * 1000 - startMs, taskId: status.task_id.value, report }];
  });
}

const signals: Readonly<Record<string, NodeJS.Signals>> = { Terminated: 'SIGTERM', 'Segmentation fault': 'SIGSEGV' };

function reportBehind(status: TaskStatus): ExecutorReport | null {
  const { state, source, message = '', reason = 'REASON_EXECUTOR_TERMINATED' } = status;
  if (source === 'SOURCE_AGENT') return { kind: 'failed', message, reason };
  if (state === 'TASK_STARTING') return { kind: 'running', pid: status.container_status?.executor_pid ?? null };
  const exited = /exited with status (\d+)/.exec(message)?.[1];
  const signal = signals[/terminated with signal (.+)/.exec(message)?.[1] ?? ''];
  const exit = exited === undefined ? signal : Number(exited);
  return exit === undefined ? null : { kind: 'exited', what: 'Command', exit };
}

interface Session {
  passTo(t: number): void;
  live(step: Step): void;
  report(taskId: string, report: ExecutorReport): void;
  intervene(intervention: Intervention): void;
  result(steps: readonly Step[]): Replay;
}

function createSession(cluster: Cluster): Session {
  const told: Event[] = [];
  const answers: unknown[] = [];
  const offered: unknown[] = [];
  const expectedOffered: unknown[] = [];
  const containers = new Map<string, string>();
  /** Recorded id → ours. One recorded offer may be several of ours, and an update is known by its task and number. */
  const offers = new Map<string, readonly { readonly value: string }[]>();
  const recordedUuids = createUuidNames();
  const ownUuids = createUuidNames();
  let streamId = '';
  let frameworkId = '';
  let t = 0;

  function take(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'launch') containers.set(effect.task.task_id.value, effect.containerId);
      if (effect.kind !== 'event' || effect.streamId !== streamId) continue;
      told.push(effect.event);
      if (effect.event.type === 'UPDATE') ownUuids.note(effect.event.update.status);
      if (effect.event.type === 'SUBSCRIBED') frameworkId = effect.event.subscribed.framework_id.value;
    }
  }

  function passTo(until: number): void {
    for (let due = cluster.nextDueMs(); due !== null && due <= until; due = cluster.nextDueMs())
      take(cluster.tick(due));
    t = until;
  }

  function callAgain(step: RecordedCall): void {
    if (step.status === undefined) return;
    const newStreamId = step.headers?.['mesos-stream-id'] ?? 'refused';
    const isSubscribe = step.body.type === 'SUBSCRIBE';
    const old = streamId;
    if (isSubscribe) streamId = newStreamId;
    const call = translate(step.body);
    const request = { call, acceptable: true, principal: null, newStreamId, streamId: isSubscribe ? null : old };
    const { answer, effects } = cluster.call(request, t);
    take(effects);
    answers.push(answer.kind === 'stream' ? 200 : [answer.status, answer.body.replaceAll(frameworkId, 'FRAMEWORK')]);
  }

  /** The recorded framework was given another id; a SUBSCRIBE names it twice. */
  function withOwnId(call: ReceivedCall): ReceivedCall {
    if (call.framework_id === undefined || frameworkId === '') return call;
    const id = { value: frameworkId };
    const { subscribe } = call;
    if (subscribe === undefined) return { ...call, framework_id: id };
    return {
      ...call,
      framework_id: id,
      subscribe: { ...subscribe, framework_info: { ...subscribe.framework_info, id } },
    };
  }

  function translate(call: ReceivedCall): ReceivedCall {
    const { accept, decline, acknowledge: ack } = call;
    const ids = (recorded: readonly { readonly value: string }[]): readonly { readonly value: string }[] =>
      recorded.flatMap((id) => offers.get(id.value) ?? [id]);
    return {
      ...withOwnId(call),
      ...(accept === undefined ? {} : { accept: { ...accept, offer_ids: ids(accept.offer_ids) } }),
      ...(decline === undefined ? {} : { decline: { ...decline, offer_ids: ids(decline.offer_ids) } }),
      ...(ack === undefined ? {} : { acknowledge: { ...ack, uuid: ownUuids.find(recordedUuids.nameOf(ack.uuid)) } }),
    };
  }

  function meetOffers(event: Extract<Event, { type: 'OFFERS' }>): void {
    for (const offer of event.offers.offers) {
      const own = [...cluster.state.offers.values()].filter((each) => each.agent.id === offer.agent_id.value);
      offers.set(
        offer.id.value,
        own.map((each) => ({ value: each.id })),
      );
      const made = told.flatMap((each) => (each.type === 'OFFERS' ? each.offers.offers : []));
      const shown = own.flatMap((each) => made.find((candidate) => candidate.id.value === each.id) ?? []);
      offered.push(describeOffers(shown));
      expectedOffered.push(describeOffers([offer]));
    }
  }

  return {
    passTo,
    live(step) {
      if (step.kind === 'call') callAgain(step);
      if (step.kind === 'event' && step.body.type === 'OFFERS') meetOffers(step.body);
      if (step.kind === 'event' && step.body.type === 'UPDATE') recordedUuids.note(step.body.update.status);
      if (step.kind === 'stream-error') take(cluster.streamEnded(streamId, t));
    },
    report(taskId, report) {
      take(cluster.report(containers.get(taskId) ?? '', report, t));
    },
    intervene({ fault, rivalSubscribes }) {
      if (fault !== undefined) take(cluster.fault(fault, t));
      const info = cluster.state.frameworks.get(frameworkId)?.info;
      if (rivalSubscribes !== true || info === undefined) return;
      const subscribe = { framework_info: info, suppressed_roles: [] };
      const call: ReceivedCall = { type: 'SUBSCRIBE', framework_id: { value: frameworkId }, subscribe };
      take(cluster.call({ call, acceptable: true, principal: null, newStreamId: 'rival', streamId: null }, t).effects);
    },
    result(steps) {
      const recorded = steps.flatMap((step) => (step.kind === 'event' ? [step.body] : []));
      const recordedFramework =
        recorded.find((event) => event.type === 'SUBSCRIBED')?.subscribed.framework_id.value ?? '';
      const calls = steps.flatMap((step) => (step.kind === 'call' && step.status !== undefined ? [step] : []));
      const count = (events: readonly Event[]): number => events.filter((event) => event.type === 'OFFERS').length;
      return {
        told: comparable(told, frameworkId, ownUuids),
        expected: comparable(recorded, recordedFramework, recordedUuids),
        answers,
        expectedAnswers: calls.map(({ status, responseBody }) =>
          responseBody === undefined
            ? status
            : [status, responseBody.replaceAll(recordedFramework || '\0', 'FRAMEWORK')],
        ),
        offered,
        expectedOffered,
        offersTold: count(told),
        offersExpected: count(recorded),
      };
    },
  };
}

interface UuidNames {
  note(status: TaskStatus): void;
  nameOf(uuid: string): string;
  find(name: string): string;
}

/** An update's name: its task and which of the task's updates it is. The same update sent again has the same name. */
function createUuidNames(): UuidNames {
  const names = new Map<string, string>();
  const numbers = new Map<string, number>();
  return {
    note({ uuid, task_id }) {
      if (uuid === undefined || names.has(uuid)) return;
      const number = (numbers.get(task_id.value) ?? 0) + 1;
      numbers.set(task_id.value, number);
      names.set(uuid, `${task_id.value} #${number}`);
    },
    nameOf: (uuid) => names.get(uuid) ?? uuid,
    find: (name) => [...names].find(([, each]) => each === name)?.[0] ?? name,
  };
}

function comparable(events: readonly Event[], frameworkId: string, uuids: UuidNames): unknown[] {
  const containers = new Map<string, string>();
  return events
    .filter((event) => event.type !== 'OFFERS' && event.type !== 'HEARTBEAT')
    .map((event) => {
      const text = JSON.stringify(event, (key, value: unknown) => {
        if (key === 'timestamp' || key === 'nanoseconds') return 0;
        if (key === 'offer_id') return 'an offer';
        // The default, which protobuf leaves out.
        if (value === 'IPv4') return undefined;
        if (key === 'uuid') return uuids.nameOf(String(value));
        if (key === 'container_id') return nameContainer(containers, JSON.stringify(value));
        if (Array.isArray(value) && value.length === 0) return undefined;
        return value;
      });
      return JSON.parse(text.replaceAll(frameworkId || '\0', 'FRAMEWORK').replaceAll(/-O\d+\b/g, '-O#')) as unknown;
    });
}

function nameContainer(names: Map<string, string>, id: string): string {
  const known = names.get(id) ?? `container ${names.size}`;
  names.set(id, known);
  return known;
}

/** All offers of one agent together: scalars summed up, and what is the same in all of them. */
function describeOffers(
  offers: readonly { readonly resources: readonly Resource[]; readonly hostname: string }[],
): unknown {
  const sums = new Map<string, number>();
  const ports: unknown[] = [];
  for (const { name, scalar, ranges, reservations, allocation_info } of offers.flatMap((offer) => offer.resources)) {
    if (ranges !== undefined) ports.push(...ranges.range);
    const key = JSON.stringify([name, reservations, allocation_info]);
    sums.set(key, (sums.get(key) ?? 0) + Math.round((scalar?.value ?? 0) * 1000));
  }
  const [first] = offers;
  return {
    sums: Object.fromEntries([...sums].sort()),
    ports,
    first: first === undefined ? null : describeFrame(first),
  };
}

function describeFrame(offer: object): unknown {
  const { id: _id, resources: _resources, framework_id: _framework, ...rest } = offer as Record<string, unknown>;
  return rest;
}
