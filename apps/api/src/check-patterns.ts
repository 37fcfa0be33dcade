import { RE2JS } from 're2js';
import { requestLimits, type SubmitRequest } from '@juice/contracts';
import type { Problem } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

/**
 * Patterns that constraints compare by: those that RE2 does not know would fit nothing, and those that it makes a large
 * program of would cost the scheduler more than a match is worth.
 */
export function checkPatterns({ constraints }: SubmitRequest): Problem[] {
  if (constraints === null || constraints === undefined) return [];
  const listed = Array.isArray(constraints)
    ? constraints.map((constraint, at) => ({ constraint, member: `constraints[${at}]` }))
    : [{ constraint: constraints, member: 'constraints' }];
  return listed.flatMap(({ constraint: { operator, values }, member }) =>
    operator === 'LIKE' || operator === 'UNLIKE'
      ? (values ?? []).flatMap((pattern, at) => checkPattern(pattern, `${member}.values[${at}]`))
      : [],
  );
}

function checkPattern(pattern: string, member: string): Problem[] {
  const wrong = whatIsWrong(pattern);
  if (wrong === null) return [];
  const value = shortenValue(pattern);
  const message = `${member} must be a regular expression as RE2 has them, ${wrong}, not ${value}`;
  return [{ member, code: 'OBJECT_NOT_EQUAL', message, value }];
}

function whatIsWrong(pattern: string): string | null {
  try {
    const size = RE2JS.compile(pattern).programSize();
    const most = requestLimits.constraintPatternSize;
    return size <= most ? null : `compiled to at most ${most} instructions (this takes ${size})`;
  } catch (error: unknown) {
    return `without lookaround and backreferences (${error instanceof Error ? error.message : String(error)})`;
  }
}
