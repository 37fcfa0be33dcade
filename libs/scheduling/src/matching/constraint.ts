import type { ConstraintSpec } from '@juice/contracts';

/** One attribute of an agent, as its operators gave it. */
export type AgentAttribute = { readonly name: string } & (
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'set'; readonly items: readonly string[] }
  | { readonly kind: 'ranges'; readonly ranges: readonly { readonly begin: number; readonly end: number }[] }
);

/** What can be asked of an agent. */
export interface AgentFacts {
  readonly hostname: string;
  readonly attributes: readonly AgentAttribute[];
}

/** Compiles a pattern into a test for the whole of a text; it must take linear time, for tenants write the patterns. */
export type Patterns = (pattern: string) => (text: string) => boolean;

/** A constraint that is ready to be asked again and again. */
export interface Constraint {
  readonly spec: ConstraintSpec;
  allows(agent: AgentFacts): boolean;
}

export function compileConstraint(spec: ConstraintSpec, patterns: Patterns): Constraint {
  const { field, operator = 'IN', values } = spec;
  const meets = compileOperator(operator, values, patterns);
  return { spec, allows: (agent) => meets(valuesOf(agent, field)) };
}

function compileOperator(
  operator: NonNullable<ConstraintSpec['operator']>,
  values: readonly string[],
  patterns: Patterns,
): (found: readonly AgentValue[]) => boolean {
  switch (operator) {
    case 'IN':
      return (found) => found.some((value) => isOneOf(value, values));
    case 'NOT_IN':
      return (found) => !found.some((value) => isOneOf(value, values));
    case 'LIKE': {
      const tests = values.map(patterns);
      return (found) => found.some((value) => isLike(value, tests));
    }
    case 'UNLIKE': {
      const tests = values.map(patterns);
      return (found) => !found.some((value) => isLike(value, tests));
    }
    case 'EXISTS':
      return (found) => found.length > 0;
    case 'NOT_EXISTS':
      return (found) => found.length === 0;
    case 'GREATER':
      return (found) => found.some((value) => values.some((bound) => asNumber(value) > Number(bound)));
    case 'LESS':
      return (found) => found.some((value) => values.some((bound) => asNumber(value) < Number(bound)));
    default:
      return operator satisfies never;
  }
}

/** A single value of an attribute; ranges stay whole, for they can be long. */
type AgentValue = string | number | { readonly begin: number; readonly end: number };

/** Every value that an agent has under a name; none: it lacks the attribute. */
export function valuesOf(agent: AgentFacts, field: string): readonly AgentValue[] {
  if (field === 'HOSTNAME') return [agent.hostname];
  const name = field === 'RACK_ID' ? 'rack_id' : field;
  const found: AgentValue[] = [];
  for (const attribute of agent.attributes) {
    if (attribute.name !== name) continue;
    if (attribute.kind === 'text') found.push(attribute.text);
    else if (attribute.kind === 'scalar') found.push(attribute.value);
    else found.push(...(attribute.kind === 'set' ? attribute.items : attribute.ranges));
  }
  return found;
}

/** The place that a group counts an agent as: the first of its values; null when it has none. */
export function placeOf(agent: AgentFacts, by: string): string | null {
  const [value] = valuesOf(agent, by);
  if (value === undefined) return null;
  return typeof value === 'object' ? `${value.begin}-${value.end}` : String(value);
}

function isOneOf(value: AgentValue, wanted: readonly string[]): boolean {
  if (typeof value === 'string') return wanted.includes(value);
  const numbers = wanted.filter((text) => text.trim() !== '').map(Number);
  if (typeof value === 'number') return numbers.includes(value);
  return numbers.some((number) => value.begin <= number && number <= value.end);
}

function isLike(value: AgentValue, tests: readonly ((text: string) => boolean)[]): boolean {
  if (typeof value === 'object') return false;
  return tests.some((test) => test(String(value)));
}

function asNumber(value: AgentValue): number {
  return typeof value === 'number' ? value : NaN;
}
