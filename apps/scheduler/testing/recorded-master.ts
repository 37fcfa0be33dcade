import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TaskId } from '@juice/contracts';
import { decodeCall, encodeEvent, encodeRecord, type Event, type Offer, type ReceivedCall } from '@juice/mesos';
import type { RecordedCall, Scenario } from '@juice/mesos/testing';
import { until } from '@juice/trial';
import { recordedTasks, type RecordedTask } from './recorded-task.ts';

/** The recording has no pauses: neither has the playing. */
const often = { withinMs: 10_000, everyMs: 1 };

/** What the test does when the recorded scheduler acted by itself. */
export interface Prompts {
  /** The recorded scheduler launches these tasks in one call: submit as many at once. */
  submit(tasks: readonly RecordedTask[]): readonly TaskId[];
  /** It kills the task that is ours under this Mesos task id. */
  kill(mesosTaskId: string): void;
  /** It asks for offers again: submit work that no offer held so far can hold. */
  wantOffers(): void;
  /** It wants no offers any more: withdraw that work. */
  wantNone(): void;
}

export interface PlayOptions {
  /** The kinds of recorded calls that ours must make too before the recording goes on; it is never held to others. */
  readonly meets?: readonly ReceivedCall['type'][];
  /** How often a task of ours must be asked about before the master answers it. Default 0: it answers unasked. */
  readonly asks?: number;
}

const usuallyMet: readonly ReceivedCall['type'][] = ['SUBSCRIBE', 'ACCEPT', 'ACKNOWLEDGE', 'KILL'];

export interface RecordedMaster {
  readonly url: string;
  /** Every call our scheduler made, in order of arrival. */
  readonly calls: readonly ReceivedCall[];
  /** Every offer made to it, in order. */
  readonly offers: readonly Offer[];
  /** Resolves when the whole recording was played. */
  readonly played: Promise<void>;
  close(): Promise<void>;
}

/**
 * A recorded conversation as a master: plays the recorded events in order over HTTP, and where the recording has a call
 * of the scheduler's, waits until ours makes it. Recorded task ids stand for those that ours launches in their place;
 * times are not kept. A SUBSCRIBE is answered as it was in the recording, one too many with a silent stream. Where the
 * recorded scheduler uses an offer that ours has no more, or never had, its resources are offered to ours again.
 */
export async function playScenario(
  scenario: Scenario,
  prompts: Prompts,
  { meets = [], asks = 0 }: PlayOptions = {},
): Promise<RecordedMaster> {
  const met = new Set([...usuallyMet, ...meets]);
  const calls: ReceivedCall[] = [];
  const offers: Offer[] = [];
  const rescinded = new Set<string>();
  const streams: ServerResponse[] = [];
  /** Ours for each recorded id; more than one where the recorded scheduler used an id twice. */
  const ours = new Map<string, string[]>();
  const welcomes = scenario.steps.filter((step) => step.kind === 'call' && step.body.type === 'SUBSCRIBE');
  const playedOfType = new Map<ReceivedCall['type'], number>();
  let asked = 0;

  const server = createServer((request, response) => {
    void receive(request).then((body) => {
      const decoded = decodeCall(body, scenario.contentType);
      if (!decoded.ok) return void response.writeHead(400).end(decoded.message);
      calls.push(decoded.call);
      if (decoded.call.type !== 'SUBSCRIBE') return void response.writeHead(202).end();
      const welcome = welcomes[asked] as RecordedCall | undefined;
      asked += 1;
      if (welcome !== undefined && welcome.status === undefined) return void request.socket.destroy();
      if (welcome !== undefined && welcome.status !== 200) return void response.writeHead(welcome.status ?? 500).end();
      response.writeHead(200, { 'Content-Type': scenario.contentType, 'Mesos-Stream-Id': `stream-${streams.length}` });
      response.flushHeaders();
      streams.push(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const count = (matches: (call: ReceivedCall) => boolean): number => calls.filter(matches).length;
  const launched = (taskId: TaskId): string | undefined =>
    calls
      .flatMap((call) => launchesOf(call))
      .map((info) => info.task_id.value)
      .find((id) => id.includes(`-${taskId}-`));

  function send(event: Event): void {
    if (event.type === 'OFFERS') offers.push(...event.offers.offers);
    if (event.type === 'RESCIND') rescinded.add(event.rescind.offer_id.value);
    streams.at(-1)?.write(encodeRecord(encodeEvent(event, scenario.contentType)));
  }

  function isOpen(offerId: string): boolean {
    if (rescinded.has(offerId) || !offers.some((offer) => offer.id.value === offerId)) return false;
    return !calls.some((call) => answeredOffers(call).includes(offerId));
  }

  async function launch(call: ReceivedCall): Promise<void> {
    const named = (call.accept?.offer_ids ?? []).map(({ value }) => value);
    const offer = offers.find(({ id }) => named.includes(id.value)) ?? offers.at(-1);
    if (offer !== undefined && !named.some(isOpen)) {
      const again = { ...offer, id: { value: `${offer.id.value}-again-${offers.length}` } };
      send({ type: 'OFFERS', offers: { offers: [again] } });
    }
    const recorded = recordedTasks(call, offer);
    const taskIds = prompts.submit(recorded);
    for (const [at, taskId] of taskIds.entries()) {
      const id = recorded[at]?.id ?? '';
      await until(`the launch of ${id}`, () => launched(taskId) !== undefined, often);
      ours.set(id, [...(ours.get(id) ?? []), launched(taskId) ?? '']);
    }
  }

  async function meet({ body: call }: RecordedCall): Promise<void> {
    const nth = (playedOfType.get(call.type) ?? 0) + 1;
    playedOfType.set(call.type, nth);
    if (!met.has(call.type)) return;
    if (call.type === 'ACCEPT') return launch(call);
    if (call.type === 'ACKNOWLEDGE') {
      const uuid = call.acknowledge?.uuid;
      return until('an ack', () => count((made) => uuid !== undefined && made.acknowledge?.uuid === uuid) > 0, often);
    }
    if (call.type === 'KILL') {
      const id = ours.get(call.kill?.task_id.value ?? '')?.[0];
      if (id === undefined) return;
      prompts.kill(id);
      return until(`KILL of ${id}`, () => count((made) => made.kill?.task_id.value === id) > 0, often);
    }
    if (call.type === 'REVIVE') prompts.wantOffers();
    if (call.type === 'SUPPRESS') prompts.wantNone();
    await until(`${call.type} ${nth}`, () => count(({ type }) => type === call.type) >= nth, often);
  }

  async function tell(event: Event): Promise<void> {
    if (event.type !== 'UPDATE') return send(event);
    const { status } = event.update;
    const candidates = ours.get(status.task_id.value) ?? [];
    // A twin is refused as such; whatever else is said of its id is said of the first.
    const value = status.message?.startsWith('Task has duplicate ID') ? candidates.at(-1) : candidates[0];
    if (value !== undefined && status.reason === 'REASON_RECONCILIATION') {
      const asksFor = (call: ReceivedCall): boolean =>
        call.reconcile?.tasks?.some(({ task_id }) => task_id.value === value) ?? false;
      await until(`RECONCILE of ${value}`, () => count(asksFor) >= asks, often);
    }
    send({ ...event, update: { status: { ...status, task_id: { value: value ?? status.task_id.value } } } });
  }

  async function play(): Promise<void> {
    for (const step of scenario.steps) {
      if (step.kind === 'call') await meet(step);
      else if (step.kind === 'event') await tell(step.body);
      else if (step.kind === 'stream-end') streams.at(-1)?.end();
      else if (step.kind === 'stream-error') streams.at(-1)?.destroy();
    }
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    offers,
    played: play(),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export function launchesOf(call: ReceivedCall) {
  const operations = call.type === 'ACCEPT' ? (call.accept?.operations ?? []) : [];
  return operations.flatMap((operation) => operation.launch?.task_infos ?? []);
}

/** The offers that a call answers. */
export function answeredOffers(call: ReceivedCall): string[] {
  return [...(call.accept?.offer_ids ?? []), ...(call.decline?.offer_ids ?? [])].map(({ value }) => value);
}

async function receive(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
