import { DependencyFailure } from '@juice/contracts';
import { createCluster, type AgentSetup, type Cluster, type Effect, type Fault } from '@juice/local-mesos';
import type { CallAnswer, ReceivedCall, StreamEvent, TaskStatus, UnreadableUpdate } from '@juice/mesos';
import { callFromJson } from '@juice/mesos/testing';
import { frameworkInfo, type Stream } from '../../src/session.ts';
import type { Chance } from './chance.ts';
import { createChannel, type Channel } from './channel.ts';
import { createExecutors } from './executors.ts';
import type { Ledger } from './ledger.ts';
import { travelMs, type Life } from './life.ts';
import type { Timeline } from './timeline.ts';

/** A whole cluster behind a network that delays, loses and lets overtake. */
export interface SimulatedCluster {
  readonly cluster: Cluster;
  readonly executors: ReturnType<typeof createExecutors>;
  /** The share of calls whose request, or answer, is lost. */
  trouble: number;
  subscribe(life: Life, frameworkId: string | null): Promise<Stream>;
  /** The connections of a process that died break, sooner or later. */
  hangUp(life: Life): void;
  /** Nothing of the streams arrives for that long. */
  stall(ms: number): void;
  fault(fault: Fault): void;
  /** Tasks that an agent still holds: they run, or their last update is not acknowledged. Agents gone for good do not count. */
  held(): readonly string[];
}

interface Connection {
  readonly streamId: string;
  readonly life: Life;
  readonly channel: Channel<StreamEvent>;
  readonly launched: Set<string>;
  deliverAtMs: number;
}

export const agentCount = 4;

export function createSimulatedCluster(deps: { timeline: Timeline; chance: Chance; ledger: Ledger }): SimulatedCluster {
  const { timeline, chance, ledger } = deps;
  const connections = new Map<string, Connection>();
  let made = 0;
  let planned = Infinity;
  let stalledUntilMs = 0;
  const cluster = createCluster({
    masterId: 'M',
    agents: Array.from({ length: agentCount }, (_, index) => agentSetup(index)),
    completed: [],
    newUuid: () => `00000000-0000-4000-8000-${String(++made).padStart(12, '0')}`,
    nowMs: timeline.now(),
    settings: {
      ...{ host: '127.0.0.1', port: 5050, heartbeatMs: 60_000, killGraceMs: 300, shutdownGraceMs: 600 },
      ...{ retryMinMs: 1_000, retryMaxMs: 4_000, reregisterTimeoutMs: 8_000 },
      // Longer than an offer is held: pieces of an agent that time out one by one would never come back as a whole.
      offerTimeoutMs: chance.happens(0.5) ? chance.between(1_000, 2_500) : null,
    },
  });
  const executors = createExecutors({
    ...deps,
    report: (containerId, report) => carryOut(cluster.report(containerId, report, timeline.now())),
  });

  function carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) carryOutOne(effect);
    const due = cluster.nextDueMs();
    if (due === null || due >= planned) return;
    planned = due;
    timeline.after(due - timeline.now(), () => {
      if (planned !== due) return;
      planned = Infinity;
      carryOut(cluster.tick(timeline.now()));
    });
  }

  function carryOutOne(effect: Effect): void {
    switch (effect.kind) {
      case 'event':
        ledger.told(effect.event);
        return deliver(effect.streamId, (connection) => connection.channel.push(effect.event));
      case 'update.garbled':
        ledger.toldGarbled(effect.status);
        return deliver(effect.streamId, (connection) => connection.channel.push(unreadable(effect.status)));
      case 'end':
        return deliver(effect.streamId, (connection) => connection.channel.end());
      case 'launch':
        return executors.launch(effect.containerId, {
          mesosTaskId: effect.task.task_id.value,
          agentIndex: effect.agentIndex,
        });
      case 'stop':
        return executors.stop(effect.containerId);
      case 'force':
        return executors.force(effect.containerId);
      case 'save':
        return;
    }
  }

  /** In order, as on one connection. */
  function deliver(streamId: string, what: (connection: Connection) => void): void {
    const connection = connections.get(streamId);
    if (connection === undefined) return;
    const soonMs = Math.max(timeline.now() + chance.between(0, 10), stalledUntilMs);
    connection.deliverAtMs = Math.max(connection.deliverAtMs, soonMs);
    timeline.after(connection.deliverAtMs - timeline.now(), () => {
      if (connection.life.isAlive()) what(connection);
    });
  }

  function close(connection: Connection, afterMs: number): void {
    connection.channel.close();
    timeline.after(afterMs, () => {
      carryOut(cluster.streamEnded(connection.streamId, timeline.now()));
    });
  }

  function request(call: ReceivedCall, streamId: string | null, newStreamId: string): { status: number; body: string } {
    const { answer, effects } = cluster.call(
      { call, streamId, acceptable: true, principal: null, newStreamId },
      timeline.now(),
    );
    carryOut(effects);
    return answer.kind === 'stream' ? { status: 200, body: '' } : answer;
  }

  async function call(connection: Connection, made: ReceivedCall): Promise<CallAnswer> {
    await connection.life.operate(() => send(connection, made));
    const [lostRequest, lostAnswer] = [chance.happens(self.trouble / 2), chance.happens(self.trouble / 2)];
    await timeline.wait(travelMs(chance));
    if (lostRequest) return unknown;
    arrive(connection, made);
    const { status, body } = request(made, connection.streamId, '');
    await timeline.wait(travelMs(chance));
    return connection.life.operate(() => (lostAnswer ? unknown : answerOf(status, body)));
  }

  function send({ life, launched }: Connection, made: ReceivedCall): void {
    ledger.note(`[${life.epoch}] ${made.type} ${describe(made)}`);
    ledger.sentAnswer(made);
    if (made.type === 'ACKNOWLEDGE') ledger.sentAcknowledgement(made.acknowledge?.uuid ?? '');
    for (const id of launchesOf(made)) {
      ledger.sentLaunch(id, life.epoch);
      launched.add(id);
    }
  }

  function arrive({ streamId, life, launched }: Connection, made: ReceivedCall): void {
    for (const id of launchesOf(made)) ledger.arrivedLaunch(id, streamId);
    for (const id of namedBy(made))
      ledger.arrivedQuestion(made.type ?? 'UNKNOWN', id, { streamId, epoch: life.epoch, launched });
  }

  const self: SimulatedCluster = {
    cluster,
    executors,
    trouble: 0,
    async subscribe(life, frameworkId) {
      await life.operate(() => undefined);
      await timeline.wait(travelMs(chance));
      const streamId = `stream-${++made}`;
      const connection = {
        streamId,
        life,
        channel: createChannel<StreamEvent>(),
        launched: new Set<string>(),
        deliverAtMs: 0,
      };
      connections.set(streamId, connection);
      const id = frameworkId === null ? {} : { framework_id: { value: frameworkId } };
      const subscribe = { framework_info: { ...info, ...(frameworkId !== null && { id: { value: frameworkId } }) } };
      const { status } = request(callFromJson({ type: 'SUBSCRIBE', ...id, subscribe }), null, streamId);
      ledger.note(`[${life.epoch}] SUBSCRIBE ${streamId}: ${status}`);
      if (!life.isAlive()) close(connection, 0);
      if (status !== 200) {
        const facts = { dependency: 'mesos', operation: 'SUBSCRIBE', retryable: true };
        throw new DependencyFailure({ ...facts, detail: `status ${status}` });
      }
      return {
        master: 'http://master',
        events: connection.channel.read(),
        call: (made) => (connection.channel.isOver() ? Promise.resolve(over) : call(connection, callFromJson(made))),
        close: () => {
          if (!connection.channel.isOver()) close(connection, chance.between(0, 20));
        },
      };
    },
    hangUp(life) {
      for (const connection of connections.values())
        if (connection.life === life) close(connection, chance.happens(0.5) ? 0 : chance.between(0, 3_000));
    },
    stall: (ms) => {
      stalledUntilMs = timeline.now() + ms;
    },
    held: () =>
      [...cluster.state.runs.values()]
        .filter(({ agent }) => agent.membership !== 'gone' && agent.membership !== 'removed')
        .map(({ task }) => task.task_id.value),
    fault(fault) {
      ledger.note(`fault ${JSON.stringify(fault)}`);
      carryOut(cluster.fault(fault, timeline.now()));
    },
  };
  carryOut([]);
  return self;
}

/** As the client reads what is garbled. */
function unreadable({ task_id: task, agent_id: agent, uuid }: TaskStatus): UnreadableUpdate {
  const ids = { taskId: task.value, agentId: agent?.value ?? null, uuid: uuid ?? null };
  return { type: 'UNREADABLE UPDATE', detail: 'garbled', ...ids, record: new Uint8Array() };
}

const unknown: CallAnswer = { kind: 'unknown', detail: 'the connection broke' };
const over: CallAnswer = { kind: 'subscription-lost', detail: 'the stream is over' };
const info = frameworkInfo({
  ...{ name: 'juice', user: 'root', roles: ['juice'], principal: null, hostname: 'here' },
  ...{ failoverTimeoutMs: 3_600_000, frameworkId: null },
});

/** As the client reads it. */
function answerOf(status: number, body: string): CallAnswer {
  if (status < 300) return { kind: 'accepted' };
  const lost = status === 503 || status === 403 || body.includes('cannot be found') || body.includes('stream ID');
  return lost ? { kind: 'subscription-lost', detail: body } : { kind: 'refused', status, detail: body };
}

function launchesOf({ accept }: ReceivedCall): string[] {
  const operations = accept?.operations ?? [];
  return operations.flatMap(({ launch }) => (launch?.task_infos ?? []).map((task) => task.task_id.value));
}

function namedBy({ kill, reconcile }: ReceivedCall): string[] {
  const tasks = [...(kill === undefined ? [] : [kill]), ...(reconcile?.tasks ?? [])];
  return tasks.map((task) => task.task_id.value);
}

function describe(call: ReceivedCall): string {
  return [...launchesOf(call), ...namedBy(call), call.acknowledge?.task_id.value ?? ''].join(' ');
}

function agentSetup(index: number): AgentSetup {
  const scalar = (name: string, value: number): AgentSetup['resources'][number] => ({
    ...{ name, type: 'SCALAR', scalar: { value }, reservations: [] },
  });
  return {
    ...{ id: `A${index}`, hostname: `host${index}`, ip: '127.0.0.1', port: 5051 + index, attributes: [] },
    resources: [scalar('cpus', 3), scalar('mem', 4_096)],
  };
}
