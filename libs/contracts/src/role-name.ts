const longestRole = 255;

/** What Mesos takes for a role: "*" alone, or components between single slashes. Without control characters, and not endless. */
export function isRoleName(role: string): boolean {
  if (role === '*') return true;
  if (role.length > longestRole || /\p{Cc}/u.test(role)) return false;
  return role.split('/').every((part) => /^[^-\s\\*][^\s\\*]*$/.test(part) && part !== '.' && part !== '..');
}

/** What several roles to subscribe with are; with any others Mesos ends the subscription it has just begun. */
export const rolesRight = 'Mesos roles, separated by commas, each once';

export function areRoles(roles: readonly string[]): boolean {
  return roles.length > 0 && roles.every(isRoleName) && new Set(roles).size === roles.length;
}
