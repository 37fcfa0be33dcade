import { createShortMemory, type CallbackRules, type TenantStore } from '@juice/persistence';
import type { Schedule } from './plan-next.ts';
import { parseSigningKey, type SigningKey } from './sign.ts';

/** What holds for a tenant's callbacks. */
export interface TenantRules {
  readonly schedule: Schedule;
  /** Each signs: the tenant's own, the current one first, or the operator's, and both while the one takes the other's place. */
  keysAt(nowMs: number): readonly SigningKey[];
}

export interface RulesOf {
  /** Throws DependencyFailure when the store has to be asked and cannot be. */
  (tenantId: string): Promise<TenantRules>;
  /** Something was changed: the next questions ask the store. */
  forgetAll(): void;
}

/** How long rules are believed without asking the store: so late, at most, a change of them is heeded. */
const rulesMemoryMs = 5_000;
/** Ten megabytes at most; more tenants than this in five seconds cost a query each, and those share round trips. */
const mostKept = 10_000;

export function createRulesOf(deps: {
  tenants: Pick<TenantStore, 'callbackRulesOf'>;
  /** Of tenants that have none of their own. */
  operator: { readonly schedule: Schedule; readonly keys: readonly SigningKey[] };
  /** Milliseconds of a clock that only goes forward. */
  monotonicMs: () => number;
}): RulesOf {
  const { tenants, operator, monotonicMs } = deps;
  const memory = createShortMemory({
    load: async (tenantId) => readRules(await tenants.callbackRulesOf(tenantId), operator),
    keepMs: rulesMemoryMs,
    most: mostKept,
    monotonicMs,
  });
  return Object.assign((tenantId: string) => memory.recall(tenantId), { forgetAll: memory.forgetAll });
}

/** The rules that a tenant's settings and secrets make. */
export function readRules(
  { scheduleSeconds, signing }: CallbackRules,
  operator: { readonly schedule: Schedule; readonly keys: readonly SigningKey[] },
): TenantRules {
  const secrets = signing.secrets.flatMap(({ secret, expiresAt }) => {
    const key = parseSigningKey(secret);
    return key === null ? [] : [{ key, untilMs: expiresAt?.getTime() ?? Infinity }];
  });
  const operatorUntilMs = signing.operatorUntil?.getTime() ?? -Infinity;
  return {
    schedule: scheduleSeconds === null ? operator.schedule : scheduleSeconds.map((seconds) => seconds * 1000),
    keysAt(nowMs) {
      const own = secrets.filter(({ untilMs }) => untilMs > nowMs).map(({ key }) => key);
      return own.length > 0 && operatorUntilMs <= nowMs ? own : [...own, ...operator.keys];
    },
  };
}
