import { z } from 'zod';
import { closedObject, flag, nonBlankLine } from './request-members.ts';
import { isRoleName } from './role-name.ts';
import { instant } from './task-answers.ts';

/**
 * The operator's switches. One is a word, with `:` and what it is about behind it where it is about one of many:
 *
 * - `stop-launching`: nothing is launched; `stop-launching:<role>`: nothing on offers of this role.
 * - `stop-intake`: submissions are refused.
 * - `drain-scheduler:<host>`: the schedulers of this host (JUICE_PUBLIC_HOST) do not lead.
 */
export const switchKinds = ['stop-launching', 'stop-intake', 'drain-scheduler'] as const;
export type SwitchKind = (typeof switchKinds)[number];

export const switchNameRight =
  'stop-launching, stop-launching:<role>, stop-intake or drain-scheduler:<host as in JUICE_PUBLIC_HOST>';

/** null: there is no such switch. */
export function parseSwitchName(name: string): { readonly kind: SwitchKind; readonly of: string | null } | null {
  const [, word = '', of = null] = /^([a-z-]+)(?::(.+))?$/s.exec(name) ?? [];
  const kind = switchKinds.find((each) => each === word);
  if (kind === undefined) return null;
  const isRight = {
    'stop-launching': of === null || isRoleName(of),
    'stop-intake': of === null,
    'drain-scheduler': of !== null && /^[A-Za-z0-9_.:-]{1,253}$/.test(of),
  }[kind];
  return isRight ? { kind, of } : null;
}

export function drainSwitchOf(host: string): string {
  return `drain-scheduler:${host}`;
}

/** What is not to be launched, and the operator's reasons. */
export interface LaunchStops {
  /** null: launching is not stopped as a whole. */
  readonly all: string | null;
  readonly roles: ReadonlyMap<string, string>;
}

/** A switch that is on. */
export interface SwitchedOn {
  readonly name: string;
  readonly reason: string;
}

/** Switches of kinds that came later are passed over. */
export function launchStopsOf(switches: readonly SwitchedOn[]): LaunchStops {
  let all: string | null = null;
  const roles = new Map<string, string>();
  for (const { name, reason } of switches) {
    const parsed = parseSwitchName(name);
    if (parsed?.kind !== 'stop-launching') continue;
    if (parsed.of === null) all = reason;
    else roles.set(parsed.of, reason);
  }
  return { all, roles };
}

/** The body of PUT /v1/admin/switches/{switchName}. */
export const switchRequest = closedObject({
  on: flag(),
  reason: nonBlankLine('a reason', 500).meta({
    description: 'Why, for those who ask later. Tenants are told it while launching or intake is stopped.',
  }),
});
export type SwitchRequest = z.output<typeof switchRequest>;

export const switchAnswer = z.object({
  name: z.string(),
  on: z.boolean(),
  reason: z.string().optional().meta({ description: 'Absent while it is off, as is all that follows.' }),
  since: instant.optional(),
  changedAt: instant.optional().meta({ description: 'When its reason was last given.' }),
  by: z.string().optional().meta({ description: 'The id of the key that did, or bootstrap.' }),
});
export type SwitchAnswer = z.output<typeof switchAnswer>;

export const switchesAnswer = z.object({
  switches: z
    .array(switchAnswer)
    .meta({ description: 'All that are on, and stop-launching and stop-intake whether they are or not.' }),
});
export type SwitchesAnswer = z.output<typeof switchesAnswer>;
