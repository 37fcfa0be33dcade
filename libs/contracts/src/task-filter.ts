import { z } from 'zod';
import { statesNamed, type TaskState } from './task-state.ts';
import type { TaskId } from './task-id.ts';

/** Which of a tenant's tasks are meant: those for which all that is given holds. */
export interface TaskFilter {
  /** One of these. */
  readonly states?: readonly TaskState[];
  /** The name begins with just this. */
  readonly namePrefix?: string;
  /** All of these. */
  readonly labels?: readonly LabelCondition[];
  /** Ids grow with time: `fromId` ≤ id < `belowId`. */
  readonly fromId?: TaskId;
  readonly belowId?: TaskId;
}

/** `value` null: the label is there, whatever it says. */
export interface LabelCondition {
  readonly key: string;
  readonly value: string | null;
}

/** As many as a task may have. */
export const mostLabels = 64;
/** A name has no more. */
const prefixCharacters = 100;

/** What a right word for a status is. */
export const statusRight = 'a status by name or number (RUNNING, 1, …), or one of waiting, live and ended';
const instantRight = 'an instant as ISO 8601 has it, with its zone, such as 2026-01-31T08:00:00Z';
const prefixRight = `the beginning of a task’s name, of 1 to ${prefixCharacters} characters`;

/** The states that words stand for together; words that stand for none are left out. */
export function statesOf(words: readonly (string | number)[]): readonly TaskState[] {
  return [...new Set(words.flatMap((word) => statesNamed(word) ?? []))];
}

/** Whole milliseconds since the Unix epoch. */
export function instantMs() {
  return z.iso.datetime({ offset: true, error: instantRight }).transform((text) => Math.floor(Date.parse(text)));
}

export function namePrefix() {
  return z.string({ error: prefixRight }).min(1, { error: prefixRight }).max(prefixCharacters, { error: prefixRight });
}

/** A range of time that is none: what would be right. */
export const rangeRight = 'later than submittedAfter';

export function isRange({ submittedAfter, submittedBefore }: SubmittedRange): boolean {
  return submittedAfter === undefined || submittedBefore === undefined || submittedAfter < submittedBefore;
}

interface SubmittedRange {
  readonly submittedAfter?: number | undefined;
  readonly submittedBefore?: number | undefined;
}
