import type { AuditAction } from '@juice/contracts';
import type { Actor } from './caller.ts';
import type { Refusal } from './refusal.ts';

/** The part of the audit store that acting needs. */
export interface AuditTrail {
  beginAudit(intent: Actor & AuditedAction & { readonly atMs: number }): Promise<string>;
  endAudit(auditId: string, outcome: 'done' | 'refused', detail: Readonly<Record<string, unknown>>): Promise<void>;
}

export interface AuditedAction {
  readonly action: AuditAction;
  /** The tenant it is about; null: none. */
  readonly tenantId: string | null;
  readonly target: string;
  /** Without secrets. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export type Acted<Answer> =
  | {
      readonly ok: true;
      readonly answer: Answer;
      /** What the trail is told of it. Without secrets. */
      readonly noted?: Readonly<Record<string, unknown>>;
      /** It was done before, for the same request. */
      readonly isReplay?: boolean;
    }
  | Refusal;

/**
 * Does something, and keeps it in the audit trail: the intent before, the outcome after. An intent that cannot be stored
 * throws DependencyFailure, and nothing is done. When the action's or the outcome's write fails it throws too, and the
 * record goes on saying `begun`: the action may or may not have been done, and that is what its caller is told.
 */
export type Audit = <Answer>(
  actor: Actor,
  what: AuditedAction,
  act: () => Promise<Acted<Answer>>,
) => Promise<Acted<Answer>>;

export function createAudit({ audits, now }: { audits: AuditTrail; now: () => number }): Audit {
  return async (actor, what, act) => {
    const auditId = await audits.beginAudit({ ...actor, ...what, atMs: now() });
    const acted = await act();
    if (acted.ok) await audits.endAudit(auditId, 'done', acted.noted ?? {});
    else await audits.endAudit(auditId, 'refused', { why: acted.problems[0].message });
    return acted;
  };
}
