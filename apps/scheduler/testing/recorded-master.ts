import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeCall, encodeEvent, encodeRecord, type Event, type ReceivedCall } from '@juice/mesos';
import type { Scenario } from '@juice/mesos/testing';
import { until } from '@juice/trial';

/** The recording has no pauses: neither has the playing. */
const often = { withinMs: 10_000, everyMs: 1 };

/** What the test does when the recorded scheduler acted by itself. */
export interface Prompts {
  /** The recorded scheduler launches this many tasks: submit as many. */
  submit(count: number): void;
  /** It kills the task that is ours under this Mesos task id. */
  kill(mesosTaskId: string): void;
}

/**
 * A recorded conversation as a master: plays the recorded events in order over HTTP, and where the recording has a call
 * of the scheduler's, waits until ours makes it. Task ids of the recording stand for the ids our scheduler launches, in
 * order; times are not kept.
 */
export async function playScenario(scenario: Scenario, prompts: Prompts): Promise<RecordedMaster> {
  const calls: ReceivedCall[] = [];
  const streams: ServerResponse[] = [];
  const ours = new Map<string, string>();
  let launched = 0;
  let subscriptions = 0;

  const server = createServer((request, response) => {
    void receive(request).then((body) => {
      const decoded = decodeCall(body, scenario.contentType);
      if (!decoded.ok) return void response.writeHead(400).end(decoded.message);
      calls.push(decoded.call);
      if (decoded.call.type !== 'SUBSCRIBE') return void response.writeHead(202).end();
      response.writeHead(200, { 'Content-Type': scenario.contentType, 'Mesos-Stream-Id': `stream-${streams.length}` });
      response.flushHeaders();
      streams.push(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const launches = (): string[] =>
    calls.flatMap((call) =>
      (call.type === 'ACCEPT' ? (call.accept?.operations ?? []) : []).flatMap((operation) =>
        (operation.launch?.task_infos ?? []).map((info) => info.task_id.value),
      ),
    );
  const sent = (matches: (call: ReceivedCall) => boolean): number => calls.filter(matches).length;

  async function meet(call: ReceivedCall): Promise<void> {
    if (call.type === 'SUBSCRIBE') {
      subscriptions += 1;
      await until('a subscription', () => streams.length >= subscriptions, often);
    } else if (call.type === 'ACCEPT') {
      const recorded = (call.accept?.operations ?? []).flatMap(({ launch }) =>
        (launch?.task_infos ?? []).map((info) => info.task_id.value),
      );
      prompts.submit(recorded.length);
      await until(`the launch of ${recorded.join()}`, () => launches().length >= launched + recorded.length, often);
      for (const [at, id] of recorded.entries()) ours.set(id, launches()[launched + at] ?? '');
      launched += recorded.length;
    } else if (call.type === 'ACKNOWLEDGE') {
      const uuid = call.acknowledge?.uuid;
      await until(
        'an ack',
        () => sent((made) => made.type === 'ACKNOWLEDGE' && made.acknowledge?.uuid === uuid) > 0,
        often,
      );
    } else if (call.type === 'KILL') {
      const id = ours.get(call.kill?.task_id.value ?? '');
      if (id === undefined) return;
      prompts.kill(id);
      await until(
        `KILL of ${id}`,
        () => sent((made) => made.type === 'KILL' && made.kill?.task_id.value === id) > 0,
        often,
      );
    }
  }

  async function play(): Promise<void> {
    for (const step of scenario.steps) {
      if (step.kind === 'call') await meet(step.body);
      else if (step.kind === 'event')
        streams.at(-1)?.write(encodeRecord(encodeEvent(rename(step.body, ours), scenario.contentType)));
      else if (step.kind === 'stream-end') streams.at(-1)?.end();
      else if (step.kind === 'stream-error') streams.at(-1)?.destroy();
    }
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    played: play(),
    ourId: (recorded) => ours.get(recorded) ?? recorded,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export interface RecordedMaster {
  readonly url: string;
  /** Every call our scheduler made, in order of arrival. */
  readonly calls: readonly ReceivedCall[];
  /** Resolves when the whole recording was played. */
  readonly played: Promise<void>;
  ourId(recorded: string): string;
  close(): Promise<void>;
}

function rename(event: Event, ours: ReadonlyMap<string, string>): Event {
  if (event.type !== 'UPDATE') return event;
  const { status } = event.update;
  const value = ours.get(status.task_id.value) ?? status.task_id.value;
  return { ...event, update: { status: { ...status, task_id: { value } } } };
}

async function receive(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
