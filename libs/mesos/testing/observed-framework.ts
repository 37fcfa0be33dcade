import { createMesosClient, type ContentType, type Draft, type Event, type FrameworkCall } from '../src/index.ts';
import type { CallAnswer, FrameworkInfo, Offer, Subscription, TaskInfo, TaskStatus } from '../src/index.ts';

type CallOf<T> = T extends unknown ? Omit<T, 'framework_id'> : never;
type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;

/** A framework that keeps every event and does nothing by itself. */
export interface ObservedFramework {
  readonly id: string;
  readonly subscription: Subscription;
  readonly events: readonly Event[];
  /** Settles when the stream has ended: with undefined, or with what broke it. */
  readonly over: Promise<unknown>;
  call(call: CallOf<Draft<FrameworkCall>>): Promise<CallAnswer>;
  /** The first such event from the `from`th on, past or to come. Rejects when the stream ends first, or after a minute. */
  see<T extends Event['type']>(type: T, matches?: (event: EventOf<T>) => boolean, from?: number): Promise<EventOf<T>>;
  /** The first offer from the `from`th event on that has room for a `smallTask`. */
  seeOffer(from?: number): Promise<Offer>;
  launch(offer: Offer, ...tasks: readonly Draft<TaskInfo>[]): Promise<CallAnswer>;
  acknowledge(status: TaskStatus): Promise<CallAnswer>;
  /** Acknowledges a task's updates as they come, up to the first in the given state; returns those that were to be acknowledged, each once. */
  follow(taskId: string, untilState: string): Promise<TaskStatus[]>;
}

/** Far more than any step takes; a real cluster may have to start an executor first. */
const patienceMs = 60_000;

export const capableFramework: Draft<FrameworkInfo> = {
  user: 'root',
  name: 'conformance',
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

/** Subscribes and resolves after SUBSCRIBED. Rejects when the stream begins with an ERROR. */
export async function observeFramework(
  url: string,
  options: { readonly contentType?: ContentType; readonly id?: string } = {},
): Promise<ObservedFramework> {
  const { contentType = 'application/json', id } = options;
  const info = id === undefined ? capableFramework : { ...capableFramework, id: { value: id } };
  const subscription = await createMesosClient({ masters: [url], contentType }).subscribe(info);
  const framework = observe(subscription);
  const { subscribed } = await framework.see('SUBSCRIBED');
  return { ...framework, id: subscribed.framework_id.value };
}

function observe(subscription: Subscription): Omit<ObservedFramework, 'id'> {
  const events: Event[] = [];
  const wakeUps = new Set<() => void>();
  let isOver = false;

  async function keepEvents(): Promise<unknown> {
    try {
      for await (const event of subscription.events) {
        if (event.type === 'UNREADABLE UPDATE') throw new Error(event.detail);
        events.push(event);
        for (const wakeUp of wakeUps) wakeUp();
      }
      return undefined;
    } catch (error: unknown) {
      return error;
    } finally {
      isOver = true;
      for (const wakeUp of wakeUps) wakeUp();
    }
  }
  const over = keepEvents();

  function see<T extends Event['type']>(
    type: T,
    matches: (event: EventOf<T>) => boolean = () => true,
    from = 0,
  ): Promise<EventOf<T>> {
    const isWanted = (event: Event): event is EventOf<T> => event.type === type && matches(event as EventOf<T>);
    return new Promise((resolve, reject) => {
      const look = (isLate = false): void => {
        const found = events.slice(from).find(isWanted);
        if (found === undefined && !isOver && !isLate) return;
        clearTimeout(deadline);
        wakeUps.delete(wakeUp);
        if (found !== undefined) resolve(found);
        else reject(new Error(`no such ${type}; seen: ${events.slice(from).map(summary).join(', ')}`));
      };
      const wakeUp = (): void => look();
      const deadline = setTimeout(() => look(true), patienceMs);
      wakeUps.add(wakeUp);
      look();
    });
  }

  const frameworkId = (): { value: string } => {
    const [first] = events;
    if (first?.type !== 'SUBSCRIBED') throw new Error('not subscribed');
    return first.subscribed.framework_id;
  };
  const call = (body: CallOf<Draft<FrameworkCall>>): Promise<CallAnswer> =>
    subscription.call({ ...body, framework_id: frameworkId() });

  const acknowledge = ({ agent_id, task_id, uuid }: TaskStatus): Promise<CallAnswer> => {
    if (agent_id === undefined || uuid === undefined) throw new Error('nothing to acknowledge');
    return call({ type: 'ACKNOWLEDGE', acknowledge: { agent_id, task_id, uuid } });
  };

  return {
    subscription,
    events,
    over,
    call,
    see,
    acknowledge,
    async seeOffer(from = 0) {
      const { offers } = await see('OFFERS', (event) => event.offers.offers.some(hasRoom), from);
      return offers.offers.find(hasRoom) as Offer;
    },
    launch: (offer, ...tasks) =>
      call({
        type: 'ACCEPT',
        accept: {
          offer_ids: [offer.id],
          operations: [{ type: 'LAUNCH', launch: { task_infos: tasks } }],
          filters: { refuse_seconds: 0 },
        },
      }),
    async follow(taskId, untilState) {
      const statuses: TaskStatus[] = [];
      for (let from = 0; statuses.at(-1)?.state !== untilState;) {
        const isNext = ({ update }: EventOf<'UPDATE'>) =>
          update.status.task_id.value === taskId && update.status.uuid !== undefined;
        const event = await see('UPDATE', isNext, from);
        from = events.indexOf(event, from) + 1;
        const { status } = event.update;
        if (!statuses.some(({ uuid }) => uuid === status.uuid)) statuses.push(status);
        await acknowledge(status);
      }
      return statuses;
    },
  };
}

/** A shell command on a tenth of a CPU and 32 MB of an offer. */
export function smallTask(offer: Offer, id: string, command: string): Draft<TaskInfo> {
  const allocation = offer.allocation_info === undefined ? {} : { allocation_info: offer.allocation_info };
  const scalar = (name: string, value: number) => ({ name, type: 'SCALAR', scalar: { value }, ...allocation }) as const;
  return {
    name: id,
    task_id: { value: id },
    agent_id: offer.agent_id,
    resources: [scalar('cpus', 0.1), scalar('mem', 32)],
    command: { shell: true, value: command },
  };
}

function hasRoom(offer: Offer): boolean {
  const amount = (name: string) =>
    offer.resources
      .filter((resource) => resource.name === name && resource.reservations.length === 0)
      .reduce((sum, { scalar }) => sum + (scalar?.value ?? 0), 0);
  return amount('cpus') >= 0.1 && amount('mem') >= 32;
}

function summary(event: Event): string {
  if (event.type === 'ERROR') return `ERROR ${event.error.message}`;
  if (event.type !== 'UPDATE') return event.type;
  const { task_id, state, message = '' } = event.update.status;
  return `UPDATE ${task_id.value} ${state} ${message}`.trim();
}
