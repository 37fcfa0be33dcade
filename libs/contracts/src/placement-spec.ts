/** Where a task may run, by what agents are and by where its group's other tasks run. */

/** How a constraint compares an agent's value with its own. */
export const constraintOperators = [
  'IN',
  'NOT_IN',
  'LIKE',
  'UNLIKE',
  'EXISTS',
  'NOT_EXISTS',
  'GREATER',
  'LESS',
] as const;
export type ConstraintOperator = (typeof constraintOperators)[number];

/**
 * A condition on the agent. An agent that lacks the attribute fulfils NOT_IN, UNLIKE and NOT_EXISTS alone. Of an attribute
 * that is a set, or given more than once, any value counts; of ranges, any number in them.
 */
export interface ConstraintSpec {
  /** HOSTNAME, RACK_ID (the attribute `rack_id`), or the name of an attribute. */
  readonly field: string;
  /** Absent in tasks stored before there were others: IN. */
  readonly operator?: ConstraintOperator;
  /** Texts (IN, NOT_IN), patterns that fit the whole value (LIKE, UNLIKE), one number (GREATER, LESS), or nothing. */
  readonly values: readonly string[];
}

export const groupPlacements = ['unique', 'balanced', 'same'] as const;
export type GroupPlacement = (typeof groupPlacements)[number];

/**
 * Tasks of a tenant that have to do with one another. `unique`: no two at once at one place. `balanced`: no place has two
 * more than another. `same`: all at one place, that of the first. It counts those that run, or are about to.
 */
export interface GroupSpec {
  readonly name: string;
  readonly placement: GroupPlacement;
  /** What a place is: HOSTNAME, RACK_ID, or the name of an attribute; agents without it are no place. */
  readonly by: string;
}
