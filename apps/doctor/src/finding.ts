/** `wrong`: services do not start, or do not work, like this. `warning`: they do, with a risk that one should know. */
export type Verdict = 'ok' | 'warning' | 'wrong' | 'skipped';

/** What a check comes to. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly found: string;
  /** What to do; of a warning, and of what is wrong. */
  readonly advice: string | null;
}

export interface Finding extends Judgement {
  /** `mongodb.clock`: part and question. */
  readonly check: string;
}

export const ok = (found: string): Judgement => ({ verdict: 'ok', found, advice: null });
export const warning = (found: string, advice: string): Judgement => ({ verdict: 'warning', found, advice });
export const wrong = (found: string, advice: string): Judgement => ({ verdict: 'wrong', found, advice });
export const skipped = (found: string): Judgement => ({ verdict: 'skipped', found, advice: null });

/** As wide as the longest verdict, and as the longest check's name. */
const [verdictWidth, checkWidth] = [7, 19];

/** One line, for people. */
export function writeFinding({ verdict, check, found, advice }: Finding): string {
  const line = `${verdict.padEnd(verdictWidth)}  ${check.padEnd(checkWidth)}  ${inOneLine(found)}`;
  return advice === null ? line : `${line} → ${advice}`;
}

/** What drivers say may have several lines. */
function inOneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').trim();
}

/**
 * Takes secrets, in their percent-encoded form too, out of what drivers and servers have said. That is in what is wrong
 * alone: the rest is our own words, which a password such as `juice` would only make unreadable.
 */
export function withoutSecrets(finding: Finding, secrets: readonly string[]): Finding {
  if (finding.verdict !== 'wrong') return finding;
  const hidden = secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]);
  const longestFirst = hidden.toSorted((a, b) => b.length - a.length);
  const hide = (text: string): string => longestFirst.reduce((left, secret) => left.replaceAll(secret, '…'), text);
  return { ...finding, found: hide(finding.found) };
}
