import type { TenantSettings } from '@juice/contracts';
import { createShortMemory } from '@juice/persistence';
import { closedPolicy, parseMachinePolicy, type MachinePolicy } from './machine-policy.ts';
import type { Pace } from './token-buckets.ts';

/** What a tenant's settings mean for its submissions. */
export interface TenantRules {
  readonly isSuspended: boolean;
  readonly policy: MachinePolicy;
  /** callbackEvents of tasks that name none. */
  readonly callbackEvents: 'all' | 'terminal';
  /** null: as many requests as it likes. */
  readonly pace: Pace | null;
  /** Tasks waiting to be launched; null: no limit. */
  readonly mostWaiting: number | null;
}

/** What holds for tenants for which nothing else is set; null: no limit. */
export interface OperatorDefaults {
  readonly policy: MachinePolicy;
  readonly requestsPerSecond: number | null;
  /** null: two seconds' worth of requests. */
  readonly burst: number | null;
  readonly mostWaiting: number | null;
}

export interface RulesOf {
  /** Throws DependencyFailure when the store has to be asked and cannot be. */
  (tenantId: string): Promise<TenantRules>;
  /** The next question asks the store. */
  forget(tenantId: string): void;
}

/** How long settings are believed without asking the store: so much later, at most, a change of them shows everywhere. */
const rulesMemoryMs = 5_000;
/** A few megabytes; more tenants than this in five seconds cost a query each. */
const mostKept = 10_000;

export function createRulesOf(deps: {
  tenants: { loadTenant(tenantId: string): Promise<{ readonly settings: TenantSettings }> };
  operator: OperatorDefaults;
  /** Milliseconds of a clock that only goes forward. */
  monotonicMs: () => number;
}): RulesOf {
  const memory = createShortMemory({
    async load(tenantId): Promise<TenantRules> {
      const { settings } = await deps.tenants.loadTenant(tenantId);
      return {
        isSuspended: settings.suspended,
        policy: policyFor(settings, deps.operator.policy),
        callbackEvents: settings.callback.events,
        pace: paceFor(settings, deps.operator),
        mostWaiting: settings.quotas.waiting ?? deps.operator.mostWaiting,
      };
    },
    keepMs: rulesMemoryMs,
    most: mostKept,
    monotonicMs: deps.monotonicMs,
  });
  return Object.assign((tenantId: string) => memory.recall(tenantId), { forget: memory.forget });
}

/** The tenant's own policy where it has one. Words were judged when they were set: with one that is none now, nothing is allowed. */
export function policyFor({ policy }: Pick<TenantSettings, 'policy'>, operatorPolicy: MachinePolicy): MachinePolicy {
  return policy === null ? operatorPolicy : (parseMachinePolicy(policy) ?? closedPolicy);
}

function paceFor(settings: TenantSettings, operator: OperatorDefaults): Pace | null {
  const perSecond = settings.requestsPerSecond ?? operator.requestsPerSecond;
  if (perSecond === null) return null;
  return { perSecond, burst: settings.burst ?? operator.burst ?? Math.max(1, Math.ceil(2 * perSecond)) };
}
