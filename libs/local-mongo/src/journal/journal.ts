import { CommandFailure } from '../command-failure.ts';
import type { Raw } from '../bson/raw.ts';
import type { ByteWriter } from '../bson/writer.ts';
import type { CatalogChange, CatalogLog } from '../collection/catalog.ts';
import type { Durability } from '../commands/server-state.ts';
import { writeCatalogChange, writePut, writeRemove } from './change.ts';
import { frameHeaderBytes, sealFrame } from './frame.ts';
import { createFile, fileName, removeOlder, writeAll, type JournalFile, type OpenFile } from './generation-files.ts';
import { frameWriter, startFrame, writeSnapshot, type Capture } from './snapshot.ts';

/** Told of the journal's troubles and of their end. */
export interface JournalLog {
  readonly error: (event: 'dependency.lost', fields: Readonly<Record<string, unknown>>) => void;
  readonly info: (event: 'dependency.connected', fields: Readonly<Record<string, unknown>>) => void;
}

export interface JournalOptions {
  readonly folder: string;
  readonly openFile: OpenFile;
  /** Everything there is now, for a snapshot. */
  readonly capture: () => Capture;
  /** How long changes that nobody waits for may stay unwritten, ms. */
  readonly lingerMs: number;
  /** A snapshot is made when the journal has grown beyond this, and beyond the last snapshot. */
  readonly compactBytes: number;
  /** How often a journal that could not be written is tried again, ms. */
  readonly retryMs: number;
  readonly log?: JournalLog;
}

/** More unwritten bytes than this, and even those who do not care for safety wait: a slow disk must not fill the memory. */
const maxUnwrittenBytes = 64 * 1024 * 1024;

const maxSpareBytes = 8 * 1024 * 1024;

interface Batch {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: CommandFailure) => void;
}

/**
 * The append-only journal. Changes gather in memory while the disk is busy; then all of them are one frame, one write and
 * one fsync, whoever made them (group commit). When it has grown large, the next frame goes into a new file and a snapshot
 * of that instant is written beside, after which the old files go.
 *
 * States: working → (a write or fsync failed) broken → (a new generation could be written from memory) working. While
 * broken nothing may be changed and nobody is told that anything is safe; the failed file is never written to again, since
 * after a failed fsync nobody knows what it holds.
 */
export class Journal implements CatalogLog, Durability {
  readonly #options: JournalOptions;
  #file: JournalFile;
  #generation: number;
  #durable: number;
  #snapshotBytes: number;
  #unwritten: ByteWriter = frameWriter();
  #spare: ByteWriter = frameWriter();
  #gathering: Batch = newBatch();
  #writing: Batch | undefined;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #snapshotting: Promise<void> | undefined;
  #linger: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failure: CommandFailure | undefined;

  constructor(options: JournalOptions, file: JournalFile, begun: { generation: number; snapshotBytes: number }) {
    this.#options = options;
    this.#file = file;
    this.#durable = file.size;
    this.#generation = begun.generation;
    this.#snapshotBytes = begun.snapshotBytes;
  }

  put(collectionId: number, document: Buffer): void {
    writePut(this.#unwritten, collectionId, document);
    this.#changed();
  }

  remove(collectionId: number, id: Raw): void {
    writeRemove(this.#unwritten, collectionId, id);
    this.#changed();
  }

  note(change: CatalogChange): void {
    writeCatalogChange(this.#unwritten, change);
    this.#changed();
  }

  #changed(): void {
    this.#linger ??= setTimeout(() => {
      this.#linger = undefined;
      this.#start();
    }, this.#options.lingerMs);
  }

  get #hasUnwritten(): boolean {
    return this.#unwritten.length > frameHeaderBytes;
  }

  /** Resolves when everything changed so far is on disk; rejects with CommandFailure(14031) when it cannot be written. */
  flushed(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (!this.#hasUnwritten) return this.#writing?.promise ?? Promise.resolve();
    // Asked for before starting: what starts takes this batch, and a new one gathers.
    const { promise } = this.#gathering;
    this.#start();
    return promise;
  }

  /** For writers who do not wait: nothing to wait for, unless too much is waiting to be written. */
  relieved(): Promise<void> | undefined {
    return this.#unwritten.length > maxUnwrittenBytes ? this.flushed() : undefined;
  }

  isBroken(): boolean {
    return this.#failure !== undefined;
  }

  refuseIfBroken(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #start(): void {
    this.#run(() => this.#writeAll());
  }

  /** One thing at a time is done with the file. `work` ends by clearing the flag, in the same turn as its last look around. */
  #run(work: () => Promise<void>): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = work();
  }

  async #writeAll(): Promise<void> {
    while (this.#hasUnwritten && this.#failure === undefined) {
      const frame = this.#unwritten;
      const batch = this.#gathering;
      this.#unwritten = this.#spare;
      this.#gathering = newBatch();
      this.#writing = batch;
      const captured = this.#isDueForCompaction(frame.length) ? this.#options.capture() : undefined;
      try {
        await this.#writeFrame(frame.finished());
        batch.resolve();
        if (captured !== undefined) await this.#begin(captured);
      } catch (error) {
        this.#break(error, batch);
      } finally {
        this.#writing = undefined;
        // A rush of changes makes a large writer, which is not kept.
        this.#spare = frame.length > maxSpareBytes ? frameWriter() : frame;
        startFrame(this.#spare);
      }
    }
    this.#isRunning = false;
  }

  async #writeFrame(frame: Buffer): Promise<void> {
    const file = this.#file;
    sealFrame(frame, file.salt, this.#durable);
    await writeAll(file.handle, frame, file.size);
    await file.handle.datasync();
    file.size += frame.length;
    this.#durable = file.size;
  }

  #isDueForCompaction(coming: number): boolean {
    const size = this.#file.size + coming;
    return this.#snapshotting === undefined && size > Math.max(this.#options.compactBytes, this.#snapshotBytes);
  }

  /** Goes on in a new file, and writes the snapshot that makes the old ones superfluous beside the journal's work. */
  async #begin(captured: Capture): Promise<void> {
    try {
      await this.#switchFile();
    } catch (error) {
      // The old file goes on; its next frame tries again.
      this.#report(error);
      return;
    }
    this.#snapshotting = this.#compact(this.#generation, captured)
      // Without the snapshot the old journals stay, and all of them are read after a restart.
      .catch((error: unknown) => this.#report(error))
      .finally(() => {
        this.#snapshotting = undefined;
      });
  }

  async #switchFile(): Promise<void> {
    const { folder, openFile } = this.#options;
    const name = fileName('journal', this.#generation + 1);
    const next = await createFile({ folder, name, kind: 'journal', before: this.#durable }, openFile);
    const old = this.#file;
    this.#file = next;
    this.#durable = next.size;
    this.#generation += 1;
    await old.handle.close().catch(() => undefined);
  }

  async #compact(generation: number, captured: Capture): Promise<void> {
    const { folder, openFile } = this.#options;
    this.#snapshotBytes = await writeSnapshot(folder, generation, captured, openFile);
    await removeOlder(folder, generation);
  }

  #break(error: unknown, batch: Batch): void {
    const detail = error instanceof Error ? error.message : String(error);
    this.#failure = new CommandFailure(14031, `the journal cannot be written: ${detail}`);
    batch.reject(this.#failure);
    this.#gathering.reject(this.#failure);
    this.#gathering = newBatch();
    this.#report(error);
    this.#retryLater();
  }

  #report(error: unknown): void {
    this.#options.log?.error('dependency.lost', { dependency: 'disk', folder: this.#options.folder, error });
  }

  #retryLater(): void {
    this.#retry = setTimeout(() => {
      this.#run(() => this.#heal());
    }, this.#options.retryMs);
  }

  /** Writes everything anew from memory: then what the failed file holds does not matter any more. */
  async #heal(): Promise<void> {
    try {
      await this.#snapshotting;
      startFrame(this.#unwritten);
      const captured = this.#options.capture();
      await this.#switchFile();
      await this.#compact(this.#generation, captured);
      this.#failure = undefined;
      this.#options.log?.info('dependency.connected', { dependency: 'disk', folder: this.#options.folder });
    } catch {
      // Reported when it broke; still broken.
      this.#retryLater();
    } finally {
      this.#isRunning = false;
    }
  }

  /** Writes out what is left and closes the file. Rejects when that failed. */
  async close(): Promise<void> {
    clearTimeout(this.#linger);
    clearTimeout(this.#retry);
    try {
      await this.#running;
      await this.flushed();
    } finally {
      clearTimeout(this.#retry);
      await this.#running;
      await this.#snapshotting;
      await this.#file.handle.close();
    }
  }
}

function newBatch(): Batch {
  let resolve: () => void = () => undefined;
  let reject: (error: CommandFailure) => void = () => undefined;
  const promise = new Promise<void>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  // Often nobody waits for a batch: its failure is known by `refuseIfBroken`, too.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
