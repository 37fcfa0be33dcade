import type { EventName, TaskId } from '@juice/contracts';

/** The part of the broker that hints need. */
export interface HintPublisher {
  /** Resolves when the broker has the message. */
  publish(exchange: 'juice.tasks' | 'juice.commands', routingKey: string, body: unknown): Promise<void>;
}

/**
 * Messages to the scheduler. A hint makes what is stored known sooner; a sweep finds what no hint told of. So a hint is
 * never waited for, never retried and never fails what it is about: a broker that is away costs latency.
 */
export interface Hints {
  tasksSubmitted(taskIds: readonly TaskId[]): void;
  killRequested(taskIds: readonly TaskId[]): void;
  /** What is set for a tenant is different now. */
  tenantChanged(tenantId: string): void;
  /** An operator has turned a switch. */
  switchesChanged(): void;
  /** Whether the command reached the broker: for a request that nothing but the command carries. */
  reconcile(taskIds: readonly TaskId[]): Promise<boolean>;
  /** Of how many submitted tasks the broker has the message neither taken nor refused yet. */
  readonly unannounced: number;
}

/** A broker that neither takes nor refuses: beyond this many unanswered messages further ones are dropped. */
const mostInFlight = 256;
/** One warning for an outage of this length, not one for each submission. */
const warnEveryMs = 30_000;

export function createHints(deps: {
  broker: HintPublisher;
  log: { warn(event: EventName, fields: Readonly<Record<string, unknown>>): void };
  dropped: (exchange: string) => void;
  /** Milliseconds of a clock that only goes forward. */
  monotonicMs: () => number;
}): Hints {
  const { broker, log, dropped, monotonicMs } = deps;
  let inFlight = 0;
  let unannounced = 0;
  let quietUntilMs = -Infinity;
  let unsaid = 0;

  function drop(exchange: string, error?: unknown): void {
    dropped(exchange);
    unsaid += 1;
    if (monotonicMs() < quietUntilMs) return;
    log.warn('message.dropped', { exchange, count: unsaid, error });
    quietUntilMs = monotonicMs() + warnEveryMs;
    unsaid = 0;
  }

  async function send(exchange: 'juice.tasks' | 'juice.commands', routingKey: string, body: unknown): Promise<boolean> {
    if (inFlight >= mostInFlight) {
      drop(exchange);
      return false;
    }
    inFlight += 1;
    try {
      await broker.publish(exchange, routingKey, body);
      return true;
    } catch (error: unknown) {
      drop(exchange, error);
      return false;
    } finally {
      inFlight -= 1;
    }
  }

  async function announce(taskIds: readonly TaskId[]): Promise<void> {
    unannounced += taskIds.length;
    await send('juice.tasks', 'tasks.submitted', { v: 1, taskIds: asText(taskIds) });
    unannounced -= taskIds.length;
  }

  const asText = (taskIds: readonly TaskId[]): string[] => taskIds.map(String);
  return {
    tasksSubmitted(taskIds) {
      if (taskIds.length > 0) void announce(taskIds);
    },
    killRequested(taskIds) {
      if (taskIds.length === 0) return;
      void send('juice.commands', 'command.kill', { v: 1, kind: 'kill', taskIds: asText(taskIds) });
    },
    tenantChanged(tenantId) {
      void send('juice.commands', 'command.tenant-changed', { v: 1, kind: 'tenant-changed', tenantIds: [tenantId] });
    },
    switchesChanged() {
      void send('juice.commands', 'command.switches-changed', { v: 1, kind: 'switches-changed' });
    },
    reconcile(taskIds) {
      return send('juice.commands', 'command.reconcile', { v: 1, kind: 'reconcile', taskIds: asText(taskIds) });
    },
    get unannounced() {
      return unannounced;
    },
  };
}
