/** One agent of the embedded cluster. */
export interface LocalAgent {
  readonly cpus: number;
  readonly memMb: number;
  readonly diskMb: number;
}

/**
 * Two agents, each with room for eight tasks of the default size: what a machine offers here is not measured but said,
 * and one-shot tasks of a demo mostly wait.
 */
export const defaultAgents = '2:8:8192';

const defaultDiskMb = 20_000;

/** Reads `COUNT` or `COUNT:CPUS:MEM_MB[:DISK_MB]`; null when it is neither. */
export function parseAgents(given: string): LocalAgent[] | null {
  const [count = '', cpus = '8', memMb = '8192', diskMb = String(defaultDiskMb), ...more] = given.trim().split(':');
  const isCount = /^\d{1,3}$/.test(count) && Number(count) >= 1;
  const sizes = [cpus, memMb, diskMb];
  const areSizes = sizes.every((size) => /^\d+(\.\d+)?$/.test(size) && Number(size) > 0);
  if (!isCount || !areSizes || more.length > 0) return null;
  const agent = { cpus: Number(cpus), memMb: Number(memMb), diskMb: Number(diskMb) };
  return Array.from({ length: Number(count) }, () => agent);
}
