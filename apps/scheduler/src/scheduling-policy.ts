import { defaultPolicy, noLimits, usualPreemption, type Policy, type PreemptionRule } from '@juice/scheduling';

/** What an operator says of scheduling; what is left out is as by default. */
export interface PolicySettings {
  readonly lostAfterMs?: number | undefined;
  readonly launchesPerSecond?: number | undefined;
  readonly placement?: Policy['strategy'] | undefined;
  /** The part of each agent that may be used, 0 to 1. */
  readonly agentShare?: number | undefined;
  readonly agentAttributes?: Policy['wantsAgent'] | undefined;
  readonly preemption?: 'on' | 'off' | undefined;
  readonly preemptionAfterMs?: number | undefined;
  readonly preemptionSafeShare?: number | undefined;
  readonly preemptionMinDifference?: number | undefined;
  readonly preemptionMost?: number | undefined;
  readonly tenantCpus?: number | undefined;
  readonly tenantMem?: number | undefined;
  readonly tenantGpus?: number | undefined;
  readonly tenantRunning?: number | undefined;
  readonly tenantLaunchesPerSecond?: number | undefined;
}

export function policyOf(settings: PolicySettings): Policy {
  const { launchesPerSecond: usualRate, launchBurst, lostAfterMs, strategy, wantsAgent } = defaultPolicy;
  const rate = settings.launchesPerSecond ?? usualRate;
  return {
    ...defaultPolicy,
    lostAfterMs: settings.lostAfterMs ?? lostAfterMs,
    launchesPerSecond: rate,
    // As much at once as the rate allows in two seconds, as by default.
    launchBurst: Math.max(1, Math.round((rate * launchBurst) / usualRate)),
    strategy: settings.placement ?? strategy,
    preemption: settings.preemption === 'on' ? preemptionOf(settings) : null,
    keepBackShare: 1 - (settings.agentShare ?? 1),
    wantsAgent: settings.agentAttributes ?? wantsAgent,
    tenantLimits: {
      ...noLimits,
      cpuMillis: settings.tenantCpus === undefined ? null : Math.round(settings.tenantCpus * 1000),
      memMb: settings.tenantMem ?? null,
      gpus: settings.tenantGpus ?? null,
      running: settings.tenantRunning ?? null,
      launchesPerSecond: settings.tenantLaunchesPerSecond ?? null,
    },
  };
}

function preemptionOf(settings: PolicySettings): PreemptionRule {
  return {
    afterMs: settings.preemptionAfterMs ?? usualPreemption.afterMs,
    safeShare: settings.preemptionSafeShare ?? usualPreemption.safeShare,
    minDifference: settings.preemptionMinDifference ?? usualPreemption.minDifference,
    most: settings.preemptionMost ?? usualPreemption.most,
  };
}
