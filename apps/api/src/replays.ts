import { randomBytes } from 'node:crypto';
import {
  pageLimit,
  replayRate,
  type ReplayAnswer,
  type ReplayDryRunAnswer,
  type ReplayRequest,
  type ReplaysAnswer,
} from '@juice/contracts';
import type { DeadChoice, DeadLetters, Replay, ReplayAction, ReplayStore } from '@juice/persistence';
import type { Acted } from './audit.ts';
import type { Asker } from './asker.ts';
import { choiceOf, viewDead } from './find-dead.ts';
import { readPlaceCursor, writePlaceCursor } from './place-cursor.ts';
import { refuse, type Refusal } from './refusal.ts';
import { keyConflict, type KeyedRequest } from './request-key.ts';
import { shortenValue } from './shorten-value.ts';
import { viewReplay } from './view-replay.ts';

/** Dead callbacks, sent again by jobs that the callback workers carry out. Throws DependencyFailure. */
export interface Replays {
  /** What a request means, counted and shown. */
  tell(
    asker: Asker,
    request: ReplayRequest,
  ): Promise<{ readonly ok: true; readonly answer: ReplayDryRunAnswer } | Refusal>;
  /** With a key the same request makes one replay, however often it comes while that is kept. */
  create(asker: Asker, request: ReplayRequest, keyed: KeyedRequest | null): Promise<Acted<ReplayAnswer>>;
  list(
    asker: Asker,
    page: { readonly cursor?: string | undefined; readonly limit?: number | undefined },
  ): Promise<{ readonly ok: true; readonly answer: ReplaysAnswer } | Refusal>;
  show(asker: Asker, replayId: string): Promise<{ readonly ok: true; readonly answer: ReplayAnswer } | Refusal>;
  change(
    asker: Asker,
    replayId: string,
    word: { readonly action: ReplayAction; readonly reason: string | null },
  ): Promise<Acted<ReplayAnswer>>;
}

/** Running and paused ones at a time: each is looked at four times a second. */
const mostOpen = { tenant: 10, operators: 50 } as const;
const sampleSize = 20;

export function createReplays(deps: {
  replays: Pick<ReplayStore, 'createReplay' | 'findRequested' | 'findReplay' | 'listReplays' | 'changeReplay'>;
  deadLetters: DeadLetters;
  now: () => number;
}): Replays {
  const { replays, deadLetters, now } = deps;

  return {
    async tell(asker, request) {
      const choice = choiceOfRequest(asker, request, now());
      const matched = await deadLetters.countDead(choice);
      if (matched === 0 && choice.group !== undefined) return unknownGroup(choice.group);
      const { letters } = await deadLetters.findDead(choice, null, sampleSize);
      return { ok: true, answer: { dryRun: true, matched, sample: letters.map(viewDead) } };
    },
    async create(asker, request, keyed) {
      // What it has sent again is dead no more: the same request is not judged anew.
      const known = keyed === null ? null : await replays.findRequested(keyed.key);
      if (known !== null) return answerKnown(known, keyed);
      const createdAtMs = now();
      const choice = choiceOfRequest(asker, request, createdAtMs);
      const selected = await deadLetters.countDead(choice);
      if (selected === 0 && choice.group !== undefined) return unknownGroup(choice.group);
      const most = asker.tenantId === null ? mostOpen.operators : mostOpen.tenant;
      const made = {
        replayId: `${String(createdAtMs).padStart(15, '0')}-${randomBytes(6).toString('hex')}`,
        ...{ owner: asker.tenantId, by: asker.by, reason: request.reason ?? '', choice, selected, createdAtMs },
        ratePerSecond: request.ratePerSecond ?? replayRate.default,
      };
      const created = await replays.createReplay(made, { most, request: keyed });
      if (created.kind === 'too-many') return tooMany(most);
      if (created.kind === 'known') return answerKnown(created, keyed);
      const { replay } = created;
      return { ok: true, answer: viewReplay(replay), noted: { replayId: replay.replayId, selected } };
    },
    async list(asker, { cursor, limit = pageLimit.default }) {
      const before = readPlaceCursor(cursor, /^\d{15}-[0-9a-f]{12}$/);
      if (!before.ok) return before;
      const found = await replays.listReplays(asker.tenantId, before.value, limit + 1);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      const answer = {
        replays: page.map(viewReplay),
        ...(found.length > limit && last !== undefined && { nextCursor: writePlaceCursor(last.replayId) }),
      };
      return { ok: true, answer };
    },
    async show(asker, replayId) {
      const replay = await replays.findReplay(asker.tenantId, replayId);
      return replay === null ? unknownReplay(replayId) : { ok: true, answer: viewReplay(replay) };
    },
    async change(asker, replayId, { action, reason }) {
      const word = { action, reason, atMs: now(), by: asker.by };
      const changed = await replays.changeReplay(asker.tenantId, replayId, word);
      if (changed === null) return unknownReplay(replayId);
      return changed.kind === 'changed'
        ? { ok: true, answer: viewReplay(changed.replay) }
        : wrongState(changed.replay, action);
    },
  };
}

/** What was dead by now, whatever the request says of later. */
function choiceOfRequest(asker: Asker, { ids, group, filter }: ReplayRequest, nowMs: number): DeadChoice {
  const choice = choiceOf(asker, { ...filter, ...(group !== undefined && { group }) });
  return {
    ...choice,
    ...(ids !== undefined && { taskIds: [...new Set(ids)] }),
    untilMs: Math.min(choice.untilMs ?? Infinity, nowMs + 1),
  };
}

/** As it is now: it has gone on since. */
function answerKnown(
  { replay, hash }: { readonly replay: Replay; readonly hash: string },
  keyed: KeyedRequest | null,
): Acted<ReplayAnswer> {
  if (hash !== keyed?.hash) return keyConflict();
  return { ok: true, answer: viewReplay(replay), isReplay: true, noted: { replayId: replay.replayId, isRepeat: true } };
}

function tooMany(most: number): Refusal {
  const message = `there are ${most} replays running or paused: wait for one to end, or cancel one`;
  return refuse('too-many', { member: 'replays', code: 'LIMIT_REACHED', message, value: String(most) });
}

/** Of what was named with a word of ours, nothing: its lanes were sent again meanwhile, or it is misspelt. */
function unknownGroup(group: string): Refusal {
  const message = `group must be one of dead-groups: nothing is dead in ${group}`;
  return refuse('not-found', { member: 'group', code: 'NO_RECORD', message, value: group });
}

function unknownReplay(replayId: string): Refusal {
  const value = shortenValue(replayId);
  const message = `replayId in the path must be that of a replay: there is none with ${value}`;
  return refuse('not-found', { member: 'replayId', code: 'NO_RECORD', message, value });
}

const needed: Readonly<Record<ReplayAction, string>> = {
  pause: 'running',
  resume: 'paused',
  cancel: 'running or paused',
};

function wrongState({ state }: Replay, action: ReplayAction): Refusal {
  const message = `the replay must be ${needed[action]} to ${action} it, and is ${state}`;
  return refuse('conflict', { member: 'replayId', code: 'BAD_REQUEST', message, value: state });
}
