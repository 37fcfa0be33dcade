import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { ProtocolViolation } from '@juice/contracts';
import {
  createRecordReader,
  decodeEvent,
  encodeCall,
  type Call,
  type ContentType,
  type Draft,
  type Event,
  type FrameworkInfo,
  type TaskInfo,
} from '@juice/mesos';

/** A scheduler reduced to what tests need: it keeps every event and answers nothing by itself but updates, if told to. */
export interface SchedulerProbe {
  readonly streamId: string;
  readonly frameworkId: string;
  readonly events: readonly Event[];
  /** The records that could not be decoded. */
  readonly unreadable: readonly Uint8Array[];
  readonly ended: () => boolean;
  /** Sends a call with this framework's ids. */
  call(call: Record<string, unknown> & { readonly type: string }): Promise<{ status: number; body: string }>;
  /** Waits for an event; throws after ten seconds, telling what came instead. */
  waitFor<T extends Event['type']>(
    type: T,
    matches?: (event: Extract<Event, { type: T }>) => boolean,
  ): Promise<Extract<Event, { type: T }>>;
  waitForState(taskId: string, state: string): Promise<Extract<Event, { type: 'UPDATE' }>>;
  statesOf(taskId: string): string[];
  /** Waits until something is so; throws after ten seconds. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Breaks the connection. */
  drop(): void;
}

export const probeFramework: Draft<FrameworkInfo> = {
  user: 'root',
  name: 'probe',
  roles: ['juice'],
  failover_timeout: 60,
  checkpoint: true,
  capabilities: [
    { type: 'MULTI_ROLE' },
    { type: 'PARTITION_AWARE' },
    { type: 'TASK_KILLING_STATE' },
    { type: 'RESERVATION_REFINEMENT' },
  ],
};

export interface ProbeOptions {
  readonly framework?: Partial<Draft<FrameworkInfo>>;
  readonly frameworkId?: string;
  readonly contentType?: ContentType;
  readonly acknowledge?: boolean;
}

export async function subscribeProbe(url: string, options: ProbeOptions = {}): Promise<SchedulerProbe> {
  const { contentType = 'application/json', acknowledge = true, frameworkId } = options;
  const id = frameworkId === undefined ? {} : { id: { value: frameworkId } };
  const call = {
    type: 'SUBSCRIBE',
    ...(frameworkId === undefined ? {} : { framework_id: { value: frameworkId } }),
    subscribe: { framework_info: { ...probeFramework, ...options.framework, ...id } },
  };
  const response = await send(url, call, { contentType, streamId: null });
  if (response.statusCode !== 200)
    throw new Error(`SUBSCRIBE answered ${response.statusCode}: ${await textOf(response)}`);
  const probe = followStream(url, response, { contentType, acknowledge });
  await probe.until(() => probe.events.length > 0 || probe.ended(), 'the first event');
  return probe;
}

function followStream(
  url: string,
  response: IncomingMessage,
  { contentType, acknowledge }: { contentType: ContentType; acknowledge: boolean },
): SchedulerProbe {
  const events: Event[] = [];
  const unreadable: Uint8Array[] = [];
  const reader = createRecordReader();
  const streamId = String(response.headers['mesos-stream-id']);
  let ended = false;
  let frameworkId = '';
  response.on('data', (chunk: Buffer) => {
    for (const record of reader.push(chunk)) read(record);
  });
  for (const end of ['end', 'error', 'close'] as const) response.on(end, () => (ended = true));

  function read(record: Uint8Array): void {
    try {
      take(decodeEvent(record, contentType));
    } catch (error: unknown) {
      if (!(error instanceof ProtocolViolation)) throw error;
      unreadable.push(record);
    }
  }

  function take(event: Event): void {
    events.push(event);
    if (event.type === 'SUBSCRIBED') frameworkId = event.subscribed.framework_id.value;
    if (event.type !== 'UPDATE' || !acknowledge) return;
    const { uuid, task_id, agent_id } = event.update.status;
    if (uuid !== undefined)
      void call({ type: 'ACKNOWLEDGE', acknowledge: { uuid, task_id, agent_id } }).catch(() => undefined);
  }

  async function call(
    body: Record<string, unknown> & { readonly type: string },
  ): Promise<{ status: number; body: string }> {
    const sent = { framework_id: { value: frameworkId }, ...body };
    const answer = await send(url, sent, { contentType, streamId });
    return { status: answer.statusCode ?? 0, body: await textOf(answer) };
  }

  async function until(condition: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`no ${what}; got ${JSON.stringify(events)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async function waitFor<T extends Event['type']>(
    type: T,
    matches: (event: Extract<Event, { type: T }>) => boolean = () => true,
  ): Promise<Extract<Event, { type: T }>> {
    const find = (): Extract<Event, { type: T }> | undefined =>
      events.find((event): event is Extract<Event, { type: T }> => event.type === type && matches(event as never));
    await until(() => find() !== undefined, type);
    return find() as Extract<Event, { type: T }>;
  }

  return {
    streamId,
    get frameworkId() {
      return frameworkId;
    },
    events,
    unreadable,
    ended: () => ended,
    call,
    until,
    waitFor,
    waitForState: (taskId, state) =>
      waitFor('UPDATE', ({ update: { status } }) => status.task_id.value === taskId && status.state === state),
    statesOf: (taskId) =>
      events.flatMap((event) =>
        event.type === 'UPDATE' && event.update.status.task_id.value === taskId ? [event.update.status.state] : [],
      ),
    drop: () => response.destroy(),
  };
}

export function send(
  url: string,
  call: unknown,
  { contentType, streamId }: { contentType: ContentType; streamId: string | null },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = {
      'Content-Type': contentType,
      Accept: contentType,
      ...(streamId === null ? {} : { 'Mesos-Stream-Id': streamId }),
    };
    const outgoing: ClientRequest = httpRequest(`${url}/api/v1/scheduler`, { method: 'POST', headers }, resolve);
    outgoing.once('error', reject);
    outgoing.end(encodeCall(call as Draft<Call>, contentType));
  });
}

export async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** A command task of 0.1 cpus and 32 MB. */
export function commandTask(
  agentId: string,
  id: string,
  value: string,
  more: Draft<Partial<TaskInfo>> = {},
): Draft<TaskInfo> {
  return {
    name: id,
    task_id: { value: id },
    agent_id: { value: agentId },
    resources: [
      { name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } },
      { name: 'mem', type: 'SCALAR', scalar: { value: 32 } },
    ],
    command: { value },
    ...more,
  } as Draft<TaskInfo>;
}

/** Waits for an offer not yet used here and launches tasks with it; what is left may be offered again after a second. */
export async function launchOnce(
  probe: SchedulerProbe,
  tasks: (agentId: string) => readonly Draft<TaskInfo>[],
  used = new Set<string>(),
): Promise<string> {
  const fresh = (event: Extract<Event, { type: 'OFFERS' }>): boolean =>
    event.offers.offers.some((offer) => !used.has(offer.id.value));
  const event = await probe.waitFor('OFFERS', fresh);
  const offer = event.offers.offers.find((candidate) => !used.has(candidate.id.value));
  if (offer === undefined) throw new Error('no offer');
  used.add(offer.id.value);
  await probe.call({
    type: 'ACCEPT',
    accept: {
      offer_ids: [offer.id],
      operations: [{ type: 'LAUNCH', launch: { task_infos: tasks(offer.agent_id.value) } }],
      filters: { refuse_seconds: 1 },
    },
  });
  return offer.agent_id.value;
}
