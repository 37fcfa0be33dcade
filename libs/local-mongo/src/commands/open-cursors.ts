import { CommandFailure } from '../command-failure.ts';
import { documentOf, type Raw } from '../bson/raw.ts';
import { createPace } from './pace.ts';

/** Documents one by one; null is a moment to let others have a turn. */
export type DocumentSource = Iterator<Buffer | null>;

interface OpenCursor {
  readonly namespace: string;
  readonly source: DocumentSource;
  readonly settled: (() => Promise<void>) | undefined;
  /** A document that was read and did not fit into the last batch. */
  pending: Buffer | undefined;
  usedAtMs: number;
  inUse: boolean;
}

/** mongod closes cursors that nobody has asked for ten minutes. */
export const cursorIdleMs = 600_000;

/** A batch ends before it would exceed the size of a document. */
const maxBatchBytes = 16 * 1024 * 1024;

export interface Batch {
  readonly documents: Raw[];
  /** 0n: there is no more. */
  readonly cursorId: bigint;
}

/** The cursors that clients have open. */
export class OpenCursors {
  readonly #cursors = new Map<bigint, OpenCursor>();
  readonly #nowMs: () => number;
  readonly #random: () => number;

  constructor(nowMs: () => number, random: () => number) {
    this.#nowMs = nowMs;
    this.#random = random;
  }

  get size(): number {
    return this.#cursors.size;
  }

  /**
   * The first batch of a source, which stays open behind a cursor while there may be more and `keep` says so. What was read is
   * handed out once `settled` says so.
   */
  async open(
    namespace: string,
    source: DocumentSource,
    batch: { size: number; keep: boolean; settled?: (() => Promise<void>) | undefined },
  ): Promise<Batch> {
    const { settled } = batch;
    const cursor = { namespace, source, settled, pending: undefined, usedAtMs: this.#nowMs(), inUse: false };
    const { documents, isDone } = await readBatch(cursor, batch.size);
    if (isDone || !batch.keep) return { documents, cursorId: 0n };
    const cursorId = this.#newId();
    this.#cursors.set(cursorId, cursor);
    return { documents, cursorId };
  }

  #newId(): bigint {
    for (;;) {
      // 52 random bits, never 0: ids of a former process do not come again by chance.
      const id = BigInt(Math.floor(this.#random() * 2 ** 52) + 1);
      if (!this.#cursors.has(id)) return id;
    }
  }

  /** The next batch. Throws CommandFailure(43) for a cursor that is not (or no longer) open. */
  async more(cursorId: bigint, namespace: string, size: number): Promise<Batch> {
    const cursor = this.#cursors.get(cursorId);
    if (cursor === undefined) throw new CommandFailure(43, `cursor id ${cursorId} not found`);
    if (cursor.namespace !== namespace) {
      throw new CommandFailure(
        13,
        `Requested getMore on namespace '${namespace}', but cursor belongs to a different namespace ${cursor.namespace}`,
      );
    }
    if (cursor.inUse) throw new CommandFailure(12051, `cursor id ${cursorId} is already in use`);
    cursor.inUse = true;
    try {
      const { documents, isDone } = await readBatch(cursor, size);
      if (isDone) this.#cursors.delete(cursorId);
      return { documents, cursorId: isDone || !this.#cursors.has(cursorId) ? 0n : cursorId };
    } catch (error) {
      this.#cursors.delete(cursorId);
      throw error;
    } finally {
      cursor.inUse = false;
      cursor.usedAtMs = this.#nowMs();
    }
  }

  kill(cursorId: bigint): boolean {
    return this.#cursors.delete(cursorId);
  }

  /** Closes cursors that nobody has used for long. */
  closeIdle(): void {
    const before = this.#nowMs() - cursorIdleMs;
    for (const [id, { usedAtMs, inUse }] of this.#cursors) if (!inUse && usedAtMs < before) this.#cursors.delete(id);
  }

  closeAll(): void {
    this.#cursors.clear();
  }
}

interface ReadBatch {
  readonly documents: Raw[];
  readonly isDone: boolean;
}

async function readBatch(cursor: OpenCursor, size: number): Promise<ReadBatch> {
  const batch = await gather(cursor, size);
  await cursor.settled?.();
  return batch;
}

async function gather(cursor: OpenCursor, size: number): Promise<ReadBatch> {
  const documents: Raw[] = [];
  const pace = createPace();
  let bytes = 0;
  for (;;) {
    const next = cursor.pending ?? advance(cursor.source);
    cursor.pending = undefined;
    if (next === undefined) return { documents, isDone: true };
    if (next === null) {
      const turn = pace();
      if (turn !== undefined) await turn;
      continue;
    }
    if (documents.length >= size || (documents.length > 0 && bytes + next.length > maxBatchBytes)) {
      cursor.pending = next;
      return { documents, isDone: false };
    }
    bytes += next.length;
    documents.push(documentOf(next));
  }
}

function advance(source: DocumentSource): Buffer | null | undefined {
  const next: IteratorResult<Buffer | null, unknown> = source.next();
  return next.done === true ? undefined : next.value;
}
