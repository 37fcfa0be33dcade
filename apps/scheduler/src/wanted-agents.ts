import { z } from 'zod';
import type { AgentAttribute, Policy } from '@juice/scheduling';
import { text } from '@juice/runtime';

const expects = 'values of attributes, "a|b,c": an agent must have a or b, and c';

/** The setting that says which agents are used at all, as the original wrote it. */
export function agentFilter() {
  return text(expects)
    .transform((given, context): Policy['wantsAgent'] => {
      const groups = given.split(',').map((group) => group.split('|').map((value) => value.trim()));
      if (groups.every((group) => group.every((value) => value !== ''))) return wantsAgentsWith(groups);
      context.issues.push({ code: 'custom', message: `must be ${expects}`, input: given });
      return z.NEVER;
    })
    .meta({ expects });
}

export function wantsAgentsWith(groups: readonly (readonly string[])[]): Policy['wantsAgent'] {
  return (attributes) => groups.every((group) => attributes.some((attribute) => hasAny(attribute, group)));
}

function hasAny(attribute: AgentAttribute, values: readonly string[]): boolean {
  switch (attribute.kind) {
    case 'text':
      return values.includes(attribute.text);
    case 'scalar':
      return values.includes(String(attribute.value));
    case 'set':
      return attribute.items.some((item) => values.includes(item));
    case 'ranges':
      return false;
  }
}
