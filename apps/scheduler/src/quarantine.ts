import { createHash } from 'node:crypto';
import { writeExactJson, type TaskId, type TaskTransition } from '@juice/contracts';
import type { UnreadableUpdate } from '@juice/mesos';
import type { Log } from '@juice/observability';
import { attemptIn, type ObservedStatus } from '@juice/scheduling';

export interface QuarantineStore {
  put(one: {
    readonly key: string;
    readonly kind: 'update' | 'transition';
    readonly atMs: number;
    readonly epoch: number;
    readonly detail: string;
    readonly taskId: TaskId | null;
    readonly mesosTaskId: string | null;
    readonly agentId: string | null;
    readonly record: string;
  }): Promise<void>;
  keys(limit: number): Promise<readonly string[]>;
}

/**
 * What must not stop the leader: an update it cannot read, one that its core cannot take, a record that the database
 * refuses. Each is stored where people find it and then left behind: the update acknowledged, the task let go of.
 *
 * An update that the core throws over ends the process all the same, for what the core holds is then in doubt; but it is
 * stored first, so that the next leader, which gets it again, passes over it.
 */
export interface Quarantine {
  /** Learns what ended earlier leaders; before the first event. */
  load(): Promise<void>;
  /** Whether the core threw over this update in an earlier term: it is to be acknowledged and not decided. */
  holds(status: ObservedStatus): boolean;
  unreadable(update: UnreadableUpdate): Promise<void>;
  fatal(status: ObservedStatus, error: unknown): Promise<void>;
  refused(transitions: readonly TaskTransition[], detail: string): Promise<void>;
}

/** Of the latest cases: an agent repeats an update every ten minutes at the least. */
const remembered = 10_000;

export function createQuarantine(deps: {
  store: QuarantineStore;
  epoch: number;
  /** Runs a write until it succeeds, while this process leads. */
  persevere: <T>(operation: string, attempt: () => Promise<T>) => Promise<T>;
  onQuarantined: () => void;
  log: Log;
  now: () => number;
}): Quarantine {
  const { store, epoch, log } = deps;
  const fatalBefore = new Set<string>();

  async function keep(facts: Omit<Parameters<QuarantineStore['put']>[0], 'atMs' | 'epoch'>, attempt: number | null) {
    const { key, kind, detail, taskId, mesosTaskId, agentId } = facts;
    log.error('status.quarantined', { key, kind, detail, taskId, attempt, mesosTaskId, agentId, epoch });
    deps.onQuarantined();
    await deps.persevere('quarantine', () => store.put({ ...facts, atMs: deps.now(), epoch }));
  }

  return {
    async load() {
      for (const key of await deps.persevere('load quarantine', () => store.keys(remembered))) fatalBefore.add(key);
    },
    holds: (status) => fatalBefore.size > 0 && fatalBefore.has(keyOf(status)),
    unreadable({ detail, taskId: mesosTaskId, agentId, uuid, record }) {
      // Never the key of a readable copy of the same update, which is to be decided like any other.
      const key = `unreadable ${uuid ?? createHash('sha256').update(record).digest('hex')}`;
      const base64 = Buffer.from(record).toString('base64');
      const { taskId, attempt } = attemptOf(mesosTaskId);
      return keep({ key, kind: 'update', detail, taskId, mesosTaskId, agentId, record: base64 }, attempt);
    },
    fatal(status, error) {
      const { mesosTaskId, agentId } = status;
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const record = JSON.stringify(status);
      const { taskId, attempt } = attemptOf(mesosTaskId);
      return keep({ key: keyOf(status), kind: 'update', detail, taskId, mesosTaskId, agentId, record }, attempt);
    },
    async refused(transitions, detail) {
      const [first] = transitions;
      if (first === undefined) return;
      const { taskId, expectSeq, attempt } = first;
      const ids = { taskId, mesosTaskId: null, agentId: null };
      const record = writeExactJson(transitions);
      await keep({ key: `transition ${taskId} ${expectSeq}`, kind: 'transition', detail, ...ids, record }, attempt);
    },
  };
}

/** As the id has it: where to look. */
function attemptOf(mesosTaskId: string | null): { taskId: TaskId | null; attempt: number | null } {
  return (mesosTaskId === null ? null : attemptIn(mesosTaskId)) ?? { taskId: null, attempt: null };
}

/** What has no uuid comes again as often as it is asked for: told apart by what it says. */
function keyOf({ uuid, mesosTaskId, state, reason }: ObservedStatus): string {
  return uuid === null ? `status ${mesosTaskId} ${state} ${reason ?? ''}` : `update ${uuid}`;
}
