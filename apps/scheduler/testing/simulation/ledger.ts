import { isEndState, TaskState, type TaskId, type TaskTransition } from '@juice/contracts';
import type { Event as WireEvent, ReceivedCall, TaskStatus } from '@juice/mesos';
import type { TaskTable } from '@juice/scheduling/testing';
import type { Container } from './executors.ts';
import { createOfferAccount } from './offer-account.ts';

/** What an attempt's records, calls and processes say. */
interface Account {
  readonly taskId: TaskId;
  readonly sentBy: number[];
  /** Streams its ACCEPT has arrived on. */
  readonly arrivedOn: Set<string>;
  running: boolean;
  /** Mesos' name of the state it was ended with. */
  endedAs: string | null;
  /** Its last update was acknowledged and nobody could read it: the cluster has forgotten it. */
  mayHaveEnded: boolean;
  readonly killedBy: Set<number>;
}

const given = new Set(['TASK_UNREACHABLE', 'TASK_UNKNOWN']);
const ends = new Set([
  ...['TASK_FINISHED', 'TASK_FAILED', 'TASK_KILLED', 'TASK_ERROR', 'TASK_LOST', 'TASK_DROPPED', 'TASK_GONE'],
  'TASK_GONE_BY_OPERATOR',
]);

/**
 * Watches everything that is stored, said to the cluster and run there, and notes each broken promise. What is checked
 * holds at every instant and whoever acts, a process that was fenced off but does not know it included.
 */
export class Ledger {
  readonly violations: string[] = [];
  /** What happened, for the person who reads a failing seed. */
  readonly trace: string[] = [];
  readonly #table: TaskTable;
  readonly #now: () => number;
  readonly #accounts = new Map<string, Account>();
  readonly #updates = new Map<string, TaskStatus>();
  readonly #processes = new Map<TaskId, Set<Container>>();
  readonly #offers = createOfferAccount();
  readonly #published = new Map<TaskId, Set<number>>();

  /** Uuids of updates that came so that no client could read them: they must be in quarantine instead. */
  readonly #garbled = new Set<string>();
  readonly #quarantine: ReadonlySet<string>;

  constructor(stored: { readonly table: TaskTable; readonly quarantine: ReadonlySet<string> }, now: () => number) {
    this.#table = stored.table;
    this.#quarantine = stored.quarantine;
    this.#now = now;
  }

  note(text: string): void {
    this.trace.push(`${this.#now()} ${text}`);
  }

  violate(text: string): void {
    this.note(`VIOLATION ${text}`);
    this.violations.push(text);
  }

  stored(write: TaskTransition, epoch: number): void {
    const { taskId, change, attempt } = write;
    const row = this.#table.rows.get(taskId);
    this.note(`[${epoch}] stored ${taskId}/${attempt} ${change.kind} → ${write.status} ${write.message}`);
    const startsAgain = change.kind === 'launch' || write.requeue !== null;
    if (startsAgain && row?.task.killRequested)
      this.violate(`${taskId} is to start again though its kill was requested`);
    if (change.kind === 'launch') return this.#storedLaunch(taskId, change.mesosTaskId);
    const account = this.#accountOf(taskId, attempt);
    if (account === undefined) return;
    if (change.kind === 'run') account.running = true;
    if (change.kind !== 'end') return;
    if (account.mayHaveEnded && change.free)
      this.violate(`${taskId}/${attempt} is repeated at no cost though its last update was not read`);
    account.endedAs = change.mesosState;
    const asAsked = write.status === TaskState.KILLED || write.status === TaskState.FINISHED;
    if (account.killedBy.has(epoch) && !asAsked) this.violate(`${taskId} was killed but ended as ${write.status}`);
  }

  /** The bus has it. */
  published({ taskId, seq }: { readonly taskId: string; readonly seq: number }): void {
    const id = BigInt(taskId) as TaskId;
    this.#published.set(id, (this.#published.get(id) ?? new Set()).add(seq));
  }

  #storedLaunch(taskId: TaskId, mesosTaskId: string): void {
    if (this.#accounts.has(mesosTaskId)) this.violate(`${mesosTaskId} stands for a second attempt`);
    const fresh = {
      taskId,
      sentBy: [],
      arrivedOn: new Set<string>(),
      running: false,
      endedAs: null,
      mayHaveEnded: false,
      killedBy: new Set<number>(),
    };
    this.#accounts.set(mesosTaskId, fresh);
  }

  #accountOf(taskId: TaskId, attempt: number): Account | undefined {
    const ending = `-${taskId}-${attempt}`;
    return [...this.#accounts].find(([id]) => id.endsWith(ending))?.[1];
  }

  sentLaunch(mesosTaskId: string, epoch: number): void {
    const account = this.#accounts.get(mesosTaskId);
    if (account === undefined) return this.violate(`${mesosTaskId} was launched without a record`);
    account.sentBy.push(epoch);
    if (account.sentBy.length > 1) this.violate(`${mesosTaskId} was launched twice`);
  }

  arrivedLaunch(mesosTaskId: string, streamId: string): void {
    this.#accounts.get(mesosTaskId)?.arrivedOn.add(streamId);
  }

  /** A KILL or RECONCILE arrived. On the stream of a launch it must come after it: the master would deny the task. */
  arrivedQuestion(
    kind: string,
    mesosTaskId: string,
    from: { streamId: string; epoch: number; launched: Set<string> },
  ): void {
    const account = this.#accounts.get(mesosTaskId);
    if (account === undefined) return;
    if (from.launched.has(mesosTaskId) && !account.arrivedOn.has(from.streamId))
      this.violate(`${kind} of ${mesosTaskId} overtook its ACCEPT`);
    if (kind === 'KILL') account.killedBy.add(from.epoch);
  }

  /** The master said it; whether it arrives is another matter. */
  told(event: WireEvent): void {
    if (event.type === 'OFFERS') this.#offers.offered(event.offers.offers);
    const uuid = event.type === 'UPDATE' ? event.update.status.uuid : undefined;
    if (event.type === 'UPDATE' && uuid !== undefined) this.#updates.set(uuid, event.update.status);
  }

  toldGarbled(status: TaskStatus): void {
    if (status.uuid === undefined) return;
    this.#garbled.add(status.uuid);
    this.#updates.set(status.uuid, status);
  }

  heardRescission(offerId: string): void {
    this.#offers.rescinded(offerId);
  }

  sentAnswer(call: ReceivedCall): void {
    for (const problem of this.#offers.answered(call)) this.violate(problem);
  }

  /** At the moment it is sent: what the update said must be in the database. */
  sentAcknowledgement(uuid: string): void {
    const status = this.#updates.get(uuid);
    if (status === undefined) return this.violate(`${uuid} was acknowledged but never told`);
    const mesosTaskId = status.task_id.value;
    const account = this.#accounts.get(mesosTaskId);
    if (account === undefined) return;
    const row = this.#table.rows.get(account.taskId);
    const stored =
      account.endedAs !== null ||
      row?.ended === true ||
      (status.state === 'TASK_RUNNING' ? account.running : !ends.has(status.state));
    if (stored) return;
    // What was readable when it first came is stored as any other, whatever came later.
    if (!this.#garbled.has(uuid) || !this.#quarantine.has(`unreadable ${uuid}`))
      return this.violate(`${status.state} of ${mesosTaskId} was acknowledged before it was stored`);
    if (row?.live?.quarantined !== true)
      this.violate(`what was not read of ${mesosTaskId} was acknowledged before the attempt was marked`);
    account.mayHaveEnded = ends.has(status.state);
  }

  /** No two processes of a task, unless the policy gave the older one up or the cluster ends it by itself. */
  started(container: Container): void {
    const taskId = this.#accounts.get(container.mesosTaskId)?.taskId ?? (0n as TaskId);
    const mine = this.#processes.get(taskId) ?? new Set();
    this.#processes.set(taskId, mine);
    for (const older of mine) {
      const endedAs = this.#accounts.get(older.mesosTaskId)?.endedAs ?? null;
      const excused = endedAs !== null && (given.has(endedAs) || older.isBeingEnded());
      if (!excused) this.violate(`${container.mesosTaskId} runs beside ${older.mesosTaskId} (${endedAs ?? 'live'})`);
    }
    mine.add(container);
  }

  stopped(container: Container): void {
    for (const processes of this.#processes.values()) processes.delete(container);
  }

  /** What must be true when the faults are over and everything had time to end. */
  close(cluster: { readonly running: readonly string[]; readonly unacknowledged: readonly string[] }): void {
    for (const [taskId, row] of this.#table.rows) {
      if (!row.ended) this.violate(`${taskId} has not ended: ${JSON.stringify(row.live ?? row.status)}`);
      const times = this.#table.applied.filter((write) => write.taskId === taskId && isEndState(write.status)).length;
      if (times > 1) this.violate(`${taskId} ended ${times} times`);
      const published = this.#published.get(taskId)?.size ?? 0;
      if (published !== row.task.seq)
        this.violate(`${published} of ${row.task.seq} events of ${taskId} were published`);
    }
    for (const id of cluster.running) this.violate(`${id} still runs`);
    for (const id of cluster.unacknowledged) this.violate(`an update of ${id} is still unacknowledged`);
  }
}
