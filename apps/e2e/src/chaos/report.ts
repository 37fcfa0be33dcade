import { countViolations, type Settled } from './ledger.ts';
import type { Load } from './load.ts';
import type { FaultKind, Service } from './plan-faults.ts';

export interface ChaosResult extends Settled {
  readonly lengthMs: number;
  readonly seed: number;
  readonly done: ReadonlyMap<FaultKind, number>;
  readonly load: Pick<Load, 'submitted' | 'failures' | 'broken' | 'statuses' | 'mostTries' | 'longestGapMs'>;
  /** Processes that ended though nobody had told them to. */
  readonly ownEnds: ReadonlyMap<Service, number>;
  readonly runs: number;
  readonly callbacks: number;
  /** From the end of the load to when all had ended and was called back. */
  readonly settledMs: number;
}

/** A scheduler that has lost its lease ends itself; an api or a callback worker has no reason to. */
const mayEnd: readonly Service[] = ['scheduler'];
/** Of each kind, on the screen; all of them are in findings.json. */
const shown = 10;

export function isRight({ violations, load, ownEnds }: ChaosResult): boolean {
  const strayEnds = [...ownEnds].some(([service, count]) => count > 0 && !mayEnd.includes(service));
  return countViolations(violations) === 0 && load.failures.length === 0 && !strayEnds;
}

/** The result in lines: what was done, what came of it, and every promise with how often it was broken. */
export function report(result: ChaosResult): readonly string[] {
  const { done, load, violations, ownEnds } = result;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const accepted = load.submitted.filter(({ taskId }) => taskId !== null).length;
  const statuses = [...load.statuses].map(([status, count]) => `${status}: ${count}`).join(', ');
  const rows: readonly (readonly [what: string, found: number | string])[] = [
    ['tasks accepted', accepted],
    ['runs', result.runs],
    ['callbacks accepted', result.callbacks],
    ['processes killed -9', done.get('kill') ?? 0],
    ['processes stopped past their lease', done.get('stop') ?? 0],
    ['broker killed -9, started again', done.get('broker') ?? 0],
    ['store killed -9, started again', done.get('store') ?? 0],
    ['ended by themselves', [...ownEnds].map(([service, count]) => `${service} ${count}`).join(', ')],
    ['tries without an answer', load.broken],
    ['tries answered otherwise than 200', statuses === '' ? 0 : statuses],
    ['tries of one request, at most', load.mostTries],
    ['longest time without a submission accepted', seconds(load.longestGapMs)],
    ['until all was settled, after the load', seconds(result.settledMs)],
    ['stored without an answer', result.unanswered],
    ['callbacks repeated', result.repeats],
    ['callbacks given up, and read late', result.late],
    ['requests failed for good', load.failures.length],
    ['tasks lost, or not ended once', violations.lost.length],
    ['ended otherwise than they must', violations.misjudged.length],
    ['stored twice', violations.storedTwice.length],
    ['double runs', violations.doubleRuns.length],
    ['ends not called back', violations.untold.length],
    ['callbacks out of order', violations.disordered.length],
    ['callbacks of no task, or unsigned', violations.strange.length],
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  const broken = { ...violations, failures: load.failures };
  return [
    `${(result.lengthMs / 60_000).toFixed(1)} minutes, seed ${result.seed}, two of each service`,
    '',
    ...rows.map(([what, found]) => `${what.padEnd(width)}  ${found}`),
    ...Object.entries<readonly string[]>(broken).flatMap(([kind, sentences]) =>
      sentences.slice(0, shown).map((sentence) => `\n${kind}: ${sentence}`),
    ),
  ];
}
