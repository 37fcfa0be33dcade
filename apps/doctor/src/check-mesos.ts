import { examineMasters, type MasterFacts, type MesosClientOptions } from '@juice/mesos';
import type { Finding } from './finding.ts';
import { judgeLeader, judgeMasters, judgeMesosClock, judgeMesosVersion, judgeRoles } from './judge-mesos.ts';
import { runCheck, skipAll } from './run-check.ts';

export interface MesosTarget {
  readonly masters: readonly string[] | undefined;
  readonly roles: readonly string[];
  readonly access: Pick<MesosClientOptions, 'credentials' | 'ca'>;
  readonly limitMs: number;
}

const [reached, ...further] = ['mesos.masters', 'mesos.leader', 'mesos.version', 'mesos.clock', 'mesos.roles'] as const;

/** Subscribes nothing. */
export async function checkMesos({ masters, roles, access, limitMs }: MesosTarget): Promise<readonly Finding[]> {
  if (masters === undefined)
    return skipAll([reached, ...further], 'JUICE_MESOS_MASTERS is not set: the scheduler alone needs it');
  const advice = 'look at JUICE_MESOS_MASTERS, and whether what it names is reached from here';
  let facts: readonly MasterFacts[] = [];
  const judged = await runCheck(reached, { limitMs, advice }, async () => {
    // Both a little shorter than the check: then it is known who did not answer.
    const signal = AbortSignal.timeout(limitMs * 0.9);
    facts = await examineMasters({ masters, ...access, signal, leaderMs: limitMs * 0.5 });
    return judgeMasters(facts);
  });
  if (facts.length === 0) return [judged, ...skipAll(further, 'no master is reached')];
  const [leader, version, clock, rolesCheck] = further;
  return [
    judged,
    { check: leader, ...judgeLeader(facts) },
    { check: version, ...judgeMesosVersion(facts) },
    { check: clock, ...judgeMesosClock(facts) },
    { check: rolesCheck, ...judgeRoles(roles) },
  ];
}
