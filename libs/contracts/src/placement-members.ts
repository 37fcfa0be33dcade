import { z } from 'zod';
import { constraintOperators, groupPlacements, type ConstraintOperator } from './placement-spec.ts';
import { requestLimits as limits } from './request-limits.ts';
import { list, nonBlankLine, word } from './request-members.ts';

/** HOSTNAME and RACK_ID in any case, as the original takes them; an attribute's own name in its own case. */
function agentField(right: string) {
  return nonBlankLine(right, limits.attributeCharacters).transform((name) => {
    const upper = name.toUpperCase();
    return upper === 'HOSTNAME' || upper === 'RACK_ID' ? upper : name;
  });
}

/** A condition on the agent: the original's `{field, values}`, which is IN, or with another operator. */
export const constraint = z
  .object(
    {
      field: agentField('HOSTNAME, RACK_ID or the name of an attribute'),
      operator: word(constraintOperators).nullish(),
      values: list(
        nonBlankLine('a string', limits.constraintValueCharacters),
        limits.constraintValues,
        'strings',
      ).nullish(),
    },
    { error: 'an object {field, values}, or a list of them' },
  )
  .superRefine(({ operator, values }, context) => {
    const message = wrongValues(operator ?? 'IN', values ?? []);
    if (message !== null) context.addIssue({ code: 'custom', path: ['values'], message });
  });

function wrongValues(operator: ConstraintOperator, values: readonly string[]): string | null {
  switch (operator) {
    case 'IN':
    case 'NOT_IN':
      return values.length > 0 ? null : 'a list of at least one string';
    case 'LIKE':
    case 'UNLIKE':
      return values.length > 0 && values.length <= limits.constraintPatterns
        ? null
        : `a list of one to ${limits.constraintPatterns} regular expressions`;
    case 'EXISTS':
    case 'NOT_EXISTS':
      return values.length === 0 ? null : `empty, or left out, with ${operator}`;
    case 'GREATER':
    case 'LESS':
      return values.length === 1 && /^[-+]?(?:\d+\.?\d*|\.\d+)$/.test(values[0] ?? '')
        ? null
        : 'a list of one decimal number, in quotes';
    default:
      return operator satisfies never;
  }
}

/** Tasks of the tenant that are placed with regard to each other. */
export const group = z.object(
  {
    name: nonBlankLine('a string', limits.groupNameCharacters),
    placement: word(groupPlacements),
    /** What a place is; a host where nothing is said. */
    by: agentField('HOSTNAME, RACK_ID or the name of an attribute').nullish(),
  },
  { error: 'an object {name, placement, by}' },
);
