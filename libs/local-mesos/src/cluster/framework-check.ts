import type { FrameworkInfo, FrameworkInfoCapabilityType } from '@juice/mesos';
import { checkId } from './id-check.ts';

export function hasCapability(info: FrameworkInfo, type: FrameworkInfoCapabilityType): boolean {
  return info.capabilities.some((capability) => capability.type === type);
}

/** The roles a framework is subscribed with: `roles`, or without MULTI_ROLE the single `role` (default "*"). */
export function frameworkRoles(info: FrameworkInfo): readonly string[] {
  return hasCapability(info, 'MULTI_ROLE') ? info.roles : [info.role ?? '*'];
}

/** What the master says of a FrameworkInfo it cannot take, in its order and words; null when it is fine. */
export function checkFrameworkInfo(info: FrameworkInfo): string | null {
  return checkRoles(info) ?? checkFrameworkId(info) ?? checkFailoverTimeout(info.failover_timeout ?? 0);
}

function checkRoles(info: FrameworkInfo): string | null {
  if (!hasCapability(info, 'MULTI_ROLE')) {
    if (info.roles.length > 0) {
      return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable";
    }
    const problem = checkRole(info.role ?? '*');
    return problem === null ? null : `'FrameworkInfo.role' is not a valid role: ${problem}`;
  }
  if (info.role !== undefined) {
    return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable";
  }
  const repeated = new Set(info.roles.filter((role, index) => info.roles.indexOf(role) !== index));
  if (repeated.size > 0) return `'FrameworkInfo.roles' contains duplicate items: { ${[...repeated].join(', ')} }`;
  for (const role of info.roles) {
    const problem = checkRole(role);
    if (problem !== null) return `'FrameworkInfo.roles' contains invalid role: ${problem}`;
  }
  return null;
}

/** Role names: "*" alone, or components between single slashes. */
export function checkRole(role: string): string | null {
  if (role === '*') return null;
  if (role === '') return 'Empty role name is invalid';
  if (role.startsWith('/')) return `Role '${role}' cannot start with a slash`;
  if (role.endsWith('/')) return `Role '${role}' cannot end with a slash`;
  if (role.includes('//')) return `Role '${role}' cannot contain two adjacent slashes`;
  for (const part of role.split('/')) {
    if (part === '.' || part === '..' || part === '*') return `Role '${role}' cannot include '${part}' as a component`;
    if (part.startsWith('-')) return `Role component '${part}' is invalid because it begins with a dash`;
    if (/[\s\x7f]/.test(part)) {
      return `Role component '${part}' is invalid because it contains backspace or whitespace`;
    }
  }
  return null;
}

function checkFrameworkId(info: FrameworkInfo): string | null {
  return info.id === undefined || info.id.value === '' ? null : checkId(info.id.value);
}

/** A duration that fits 64 bits of nanoseconds. */
function checkFailoverTimeout(seconds: number): string | null {
  const fits = Number.isFinite(seconds) && Math.abs(seconds) < 2 ** 63 / 1e9;
  return fits ? null : `The framework failover_timeout (${seconds}) is invalid`;
}

/** What may not change while a framework lives. `user` and `checkpoint` matter to UPDATE_FRAMEWORK alone. */
export function checkFrameworkUpdate(old: FrameworkInfo, next: FrameworkInfo): string | null {
  const principal = checkPrincipalKept(old, next);
  if (principal !== null) return principal;
  if (old.user !== next.user) {
    return `Updating 'FrameworkInfo.user' is unsupported; attempted to update from '${old.user}' to '${next.user}'`;
  }
  const [from, to] = [old.checkpoint ?? false, next.checkpoint ?? false];
  if (from !== to) {
    return `Updating 'FrameworkInfo.checkpoint' is unsupported; attempted to update from '${from}' to '${to}'`;
  }
  return null;
}

export function checkPrincipalKept(old: FrameworkInfo, next: FrameworkInfo): string | null {
  return old.principal === next.principal ? null : "Changing framework's principal is not allowed.";
}

export function checkSuppressedRoles(info: FrameworkInfo, suppressed: readonly string[]): string | null {
  const foreign = suppressed.filter((role) => !frameworkRoles(info).includes(role));
  if (foreign.length === 0) return null;
  return `Suppressed roles { ${foreign.join(', ')} } are not contained in the set of roles`;
}
