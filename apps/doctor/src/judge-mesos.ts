import type { MasterFacts } from '@juice/mesos';
import { ok, skipped, warning, wrong, type Judgement } from './finding.ts';
import { isAtLeast, judgeClock } from './judge-parts.ts';

/** Whether every master that was asked is one, and takes our credentials. */
export function judgeMasters(masters: readonly MasterFacts[]): Judgement {
  const refusing = masters.filter(({ role }) => role.kind === 'refuses');
  const failing = masters.filter(({ role }) => role.kind === 'fails');
  const found = masters.map(writeMaster).join('; ');
  if (refusing.length > 0)
    return wrong(found, 'look at JUICE_MESOS_PRINCIPAL and JUICE_MESOS_SECRET, and at the masters’ credentials');
  if (failing.length === 0) return ok(found);
  const advice = 'look whether masters run at JUICE_MESOS_MASTERS, and are reached from here';
  return failing.length === masters.length ? wrong(found, advice) : warning(found, advice);
}

function writeMaster({ url, role }: MasterFacts): string {
  switch (role.kind) {
    case 'leads':
      return `${url} leads`;
    case 'follows':
      return role.leader === null ? `${url} leads elsewhere, to no URL` : `${url} leads to ${role.leader}`;
    case 'unready':
      return `${url} is not ready${role.detail === '' ? '' : `: ${role.detail}`}`;
    case 'refuses':
      return `${url} refuses us (${role.status})`;
    case 'fails':
      return `${url}: ${role.detail}`;
  }
}

export function judgeLeader(masters: readonly MasterFacts[]): Judgement {
  const leader = leaderOf(masters);
  if (leader !== undefined) return ok(leader.url);
  if (masters.some(({ role }) => role.kind === 'refuses'))
    return skipped('who leads cannot be told before credentials are taken');
  if (masters.every(({ role }) => role.kind === 'fails')) return skipped('no master is reached');
  return wrong('no master leads', 'look at the masters’ election: their ZooKeeper, or a quorum of them, may be away');
}

/** The first with the scheduler API v1 for good. */
const oldestMesos = [1, 0] as const;

export function judgeMesosVersion(masters: readonly MasterFacts[]): Judgement {
  const leader = leaderOf(masters);
  if (leader === undefined) return skipped('no leader is known');
  if (leader.version === null)
    return warning(`${leader.url} does not say its version at /version`, 'look whether it is Mesos 1.0 or later');
  const found = `Mesos ${leader.version}`;
  return isAtLeast(leader.version, oldestMesos) ? ok(found) : wrong(`${found} is too old`, 'use Mesos 1.0 or later');
}

export function judgeMesosClock(masters: readonly MasterFacts[]): Judgement {
  const leader = leaderOf(masters);
  if (leader === undefined) return skipped('no leader is known');
  if (leader.clock === null) return skipped(`${leader.url} does not say its time`);
  return judgeClock('the leading master’s', leader.clock);
}

export function judgeRoles(roles: readonly string[]): Judgement {
  return ok(`offers are asked for with ${roles.length === 1 ? 'role' : 'roles'} ${roles.join(', ')}`);
}

function leaderOf(masters: readonly MasterFacts[]): MasterFacts | undefined {
  return masters.find(({ role }) => role.kind === 'leads');
}
