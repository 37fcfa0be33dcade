import type { TaskId, RetentionOptions } from '@juice/contracts';
import type mongoose from 'mongoose';
import { nativeDb, type MongoConnection } from './connection.ts';
import { attempt, isDuplicateKey } from './mongo-failure.ts';
import type {
  HeldReplay,
  NewReplay,
  Replay,
  ReplayAction,
  ReplayCreation,
  ReplayKey,
  ReplayState,
  ReplayWord,
} from './replay.ts';
import { asHeldReplay, asNewDocument, asReplay, type ReplayDocument } from './replay-document.ts';
import type { ReplayedCount } from './replay-lanes.ts';
import { retentionOf } from './retention.ts';

/** `refused`: its state has nothing for it; the replay as it is. */
export type ReplayChange =
  { readonly kind: 'changed'; readonly replay: Replay } | { readonly kind: 'refused'; readonly replay: Replay };

export interface ReplayTurn {
  /** Never used before, by any worker. */
  readonly token: string;
  readonly nowMs: number;
  readonly leaseMs: number;
}

/**
 * Replays as durable jobs. A worker takes one that is due for a turn, under a lease: notes what it is about to arm (`beginBatch`),
 * arms it (`ReplayingLanes.rearm`), counts it (`endBatch`), and gives it back (`giveBack`). One that dies in between leaves the batch
 * in the document, and who takes the next turn arms and counts the same lanes: whatever the crash, each is armed once and counted once.
 *
 * `owner`: the tenant whose replays these are; null: everybody's. Every method throws DependencyFailure when MongoDB cannot be
 * reached; what a worker wrote may then have applied, and its turn is over when its lease is.
 */
export interface ReplayStore extends ReplayTurns {
  /**
   * Unless the owner has as many as `most` that may still arm something, or the same request has made one before. However many are
   * asked for at once, no more are made; of those that are asked for at the same moment at the bound all may be refused. When it throws, one
   * may be made: the same request tells.
   */
  createReplay(
    made: NewReplay,
    bound: { readonly most: number; readonly request: ReplayKey | null },
  ): Promise<ReplayCreation>;
  /** The one that a request with this key has made; null: none has. */
  findRequested(key: string): Promise<{ readonly replay: Replay; readonly hash: string } | null>;
  findReplay(owner: string | null, replayId: string): Promise<Replay | null>;
  /** The newest first, older than this one (null: from the newest). */
  listReplays(owner: string | null, before: string | null, limit: number): Promise<readonly Replay[]>;
  /** null: there is none such. */
  changeReplay(
    owner: string | null,
    replayId: string,
    word: ReplayWord & { readonly action: ReplayAction },
  ): Promise<ReplayChange | null>;
  /** How many are in each state that may still change something. */
  countReplays(): Promise<Readonly<Record<'running' | 'paused' | 'delivering', number>>>;
}

export interface ReplayTurns {
  /** Of those that are due, and in nobody's hand, the longest due; null: none. */
  takeReplay(turn: ReplayTurn): Promise<HeldReplay | null>;
  /** Notes what is about to be armed, and where the next batch begins. false: it is not running any more, or not ours. */
  beginBatch(held: HeldReplay, batch: readonly TaskId[], after: string): Promise<boolean>;
  /** What was noted is armed: so many of it, now or by an earlier turn. The replay as it is then; null: the turn was over. */
  endBatch(
    held: HeldReplay,
    counts: { readonly replayed: number; readonly skipped: number },
  ): Promise<HeldReplay | null>;
  /**
   * Nothing is left to arm. What was meant and not armed was no longer dead. The replay as it is then; null: it is not running any
   * more, or not ours.
   */
  endSelection(held: HeldReplay): Promise<HeldReplay | null>;
  /**
   * Ends the turn. `dueAtMs`: when the next one is due, unless somebody has said a word to it meanwhile: then when that says.
   * `counted`: what has come of it; null: that was not looked at.
   */
  giveBack(
    held: HeldReplay,
    seen: { readonly counted: (ReplayedCount & { readonly atMs: number }) | null; readonly dueAtMs: number },
  ): Promise<void>;
  /** Ends the turn and the replay: nothing of it will change. false: its state is another, or it is not ours. */
  conclude(
    held: HeldReplay,
    seen: { readonly state: 'delivering' | 'cancelled'; readonly delivered: number; readonly nowMs: number },
  ): Promise<boolean>;
}

/** Words that are kept, the newest: a replay that is paused and resumed in a loop stays a small document. */
const mostWords = 100;

const changes: Readonly<Record<ReplayAction, { readonly from: ReplayState[]; readonly to: ReplayState }>> = {
  pause: { from: ['running'], to: 'paused' },
  resume: { from: ['paused'], to: 'running' },
  cancel: { from: ['running', 'paused'], to: 'cancelled' },
};

type ReplayCollection = mongoose.mongo.Collection<ReplayDocument>;

export function createReplayStore(conn: MongoConnection, options: RetentionOptions = {}): ReplayStore {
  const replays = nativeDb(conn.connection).collection<ReplayDocument>('replays');
  const ownedBy = (owner: string | null) => (owner === null ? {} : { owner });
  return {
    createReplay: (made, bound) => attempt('create replay', () => create(replays, made, bound)),
    findRequested: (key) =>
      attempt('find requested replay', async () => {
        const found = await replays.findOne({ idem: key, isNew: { $exists: false } });
        return found === null ? null : { replay: asReplay(found), hash: found.idemHash ?? '' };
      }),
    findReplay: (owner, replayId) =>
      attempt('find replay', async () => {
        const found = await replays.findOne({ _id: replayId, ...ownedBy(owner) });
        return found === null ? null : asReplay(found);
      }),
    listReplays: (owner, before, limit) =>
      attempt('list replays', async () => {
        const range = before === null ? {} : { _id: { $lt: before } };
        const found = await replays.find({ ...ownedBy(owner), ...range }, { sort: { _id: -1 }, limit }).toArray();
        return found.map(asReplay);
      }),
    changeReplay: (owner, replayId, word) =>
      attempt('change replay', async () => {
        const ofOwner = { _id: replayId, ...ownedBy(owner) };
        const { from, to } = changes[word.action];
        const { atMs, ...said } = word;
        const at = new Date(atMs);
        const changed = await replays.findOneAndUpdate(
          { ...ofOwner, state: { $in: from } },
          { $set: { state: to, dueAt: at }, $push: { words: { $each: [{ ...said, at }], $slice: -mostWords } } },
          { returnDocument: 'after' },
        );
        if (changed !== null) return { kind: 'changed', replay: asReplay(changed) };
        const present = await replays.findOne(ofOwner);
        return present === null ? null : { kind: 'refused', replay: asReplay(present) };
      }),
    countReplays: () =>
      attempt('count replays', async () => {
        const count = (state: ReplayState): Promise<number> =>
          replays.countDocuments({ dueAt: { $gt: new Date(0) }, state });
        const [running, paused, delivering] = await Promise.all([
          count('running'),
          count('paused'),
          count('delivering'),
        ]);
        return { running, paused, delivering };
      }),
    ...createTurns(replays, retentionOf('replayRetentionMs', options)),
  };
}

/**
 * Stored, counted, and only then open to workers: a crash in between leaves one that the same request finds and counts again, or that
 * begins late.
 */
async function create(
  replays: ReplayCollection,
  made: NewReplay,
  { most, request }: { readonly most: number; readonly request: ReplayKey | null },
): Promise<ReplayCreation> {
  const document = await insertOnce(replays, asNewDocument(made, request));
  const { _id, owner, createdAt, isNew, idemHash = '' } = document;
  const isKnown = _id !== made.replayId;
  if (isKnown && (isNew === undefined || idemHash !== request?.hash))
    return { kind: 'known', replay: asReplay(document), hash: idemHash };
  const open = await replays.countDocuments({ owner, state: { $in: ['running', 'paused'] } }, { limit: most + 1 });
  if (open > most) {
    // Unless a worker has begun it: it was long enough ago.
    const { deletedCount } = await replays.deleteOne({ _id, isNew: true });
    if (deletedCount === 1) return { kind: 'too-many' };
  }
  const opened = await replays.findOneAndUpdate(
    { _id },
    { $set: { dueAt: createdAt }, $unset: { isNew: '' } },
    { returnDocument: 'after' },
  );
  // Withdrawn by the same request, which came through another process.
  if (opened === null) return { kind: 'too-many' };
  return isKnown
    ? { kind: 'known', replay: asReplay(opened), hash: idemHash }
    : { kind: 'created', replay: asReplay(opened) };
}

/** The document, or the one that the same request has stored before. */
async function insertOnce(replays: ReplayCollection, document: ReplayDocument): Promise<ReplayDocument> {
  for (;;) {
    try {
      await replays.insertOne(document);
      return document;
    } catch (error: unknown) {
      if (!isDuplicateKey(error) || document.idem === undefined) throw error;
      const before = await replays.findOne({ idem: document.idem });
      // null: it was withdrawn in between.
      if (before !== null) return before;
    }
  }
}

function createTurns(replays: ReplayCollection, retentionMs: number): ReplayTurns {
  const ours = ({ replayId, token }: HeldReplay) => ({ _id: replayId, 'lease.token': token });
  const isApplied = async (writing: Promise<{ matchedCount: number }>): Promise<boolean> =>
    (await writing).matchedCount === 1;
  const asHeld = async (writing: Promise<ReplayDocument | null>): Promise<HeldReplay | null> => {
    const written = await writing;
    return written === null ? null : asHeldReplay(written);
  };
  return {
    takeReplay: ({ token, nowMs, leaseMs }) =>
      attempt('take replay', () => {
        const now = new Date(nowMs);
        return asHeld(
          replays.findOneAndUpdate(
            { dueAt: { $lte: now }, 'lease.until': { $not: { $gt: now } } },
            { $set: { lease: { token, until: new Date(nowMs + leaseMs) } }, $unset: { isNew: '' } },
            { sort: { dueAt: 1 }, returnDocument: 'after' },
          ),
        );
      }),
    beginBatch: (held, batch, after) =>
      attempt('begin batch', () =>
        isApplied(
          replays.updateOne(
            { ...ours(held), state: 'running', batch: { $exists: false } },
            { $set: { batch: [...batch], after } },
          ),
        ),
      ),
    endBatch: (held, { replayed, skipped }) =>
      attempt('end batch', () =>
        asHeld(
          replays.findOneAndUpdate(
            { ...ours(held), batch: { $exists: true } },
            // What was armed just now waits, until it is counted.
            { $inc: { replayed, skipped, waiting: replayed }, $unset: { batch: '' } },
            { returnDocument: 'after' },
          ),
        ),
      ),
    endSelection: (held) =>
      attempt('end selection', () =>
        asHeld(
          replays.findOneAndUpdate(
            { ...ours(held), state: 'running', batch: { $exists: false }, replayed: held.replayed },
            { $set: { state: 'delivering', skipped: Math.max(held.skipped, held.selected - held.replayed) } },
            { returnDocument: 'after' },
          ),
        ),
      ),
    giveBack: (held, { counted, dueAtMs }) =>
      attempt('give replay back', async () => {
        const count = counted === null ? {} : countOf(counted);
        const isGiven = await isApplied(
          replays.updateOne(
            { ...ours(held), state: held.state },
            { $set: { ...count, dueAt: new Date(dueAtMs) }, $unset: { lease: '' } },
          ),
        );
        if (!isGiven) await replays.updateOne(ours(held), { $unset: { lease: '' } });
      }),
    conclude: (held, { state, delivered, nowMs }) =>
      attempt('conclude replay', () =>
        isApplied(
          replays.updateOne(
            { ...ours(held), state },
            {
              $set: {
                state: state === 'delivering' ? 'done' : state,
                ...countOf({ waiting: 0, delivered, atMs: nowMs }),
                ...{ endedAt: new Date(nowMs), purgeAt: new Date(nowMs + retentionMs) },
              },
              $unset: { lease: '', dueAt: '' },
            },
          ),
        ),
      ),
  };
}

function countOf({ waiting, delivered, atMs }: ReplayedCount & { readonly atMs: number }) {
  return { waiting, delivered, countedAt: new Date(atMs) };
}
