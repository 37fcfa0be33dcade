import { writeTable } from '../table.ts';
import type { Waiting } from './measures.ts';
import type { Outcome } from './simulate.ts';

/** Outcomes of one workload beside one another, then the tenants of each. */
export function writeReport(outcomes: readonly Outcome[]): string[] {
  const head = [
    '',
    'CPUs used',
    'memory used',
    'placed',
    'not placed',
    'waiting p50, p99, most (s)',
    'worst tenant: p50, p99, most (s)',
    'cycles',
    'CPU s',
  ];
  const rows = outcomes.map(({ scheduler, utilisation, placed, unplaced, waiting, worst, cycles, cpuMs }) => [
    scheduler,
    percent(utilisation.cpus),
    percent(utilisation.mem),
    String(placed),
    String(unplaced),
    seconds(waiting),
    `${seconds(worst.waiting)} (${worst.id})`,
    String(cycles),
    (cpuMs / 1000).toFixed(2),
  ]);
  return [...writeTable([head, ...rows]), ...outcomes.flatMap((outcome) => ['', ...writeTenants(outcome)])];
}

function writeTenants({ scheduler, tenants, allWait }: Outcome): string[] {
  const head = [
    scheduler,
    'weight',
    'due by weight',
    'share',
    'share while all wait',
    'placed',
    'not placed',
    'waiting p50, p99, most (s)',
  ];
  const rows = tenants.map(({ id, weight, due, share, shareWhenAllWait, placed, unplaced, waiting }) => [
    id,
    String(weight),
    percent(due),
    percent(share),
    allWait === 0 ? '–' : percent(shareWhenAllWait),
    String(placed),
    String(unplaced),
    seconds(waiting),
  ]);
  return [...writeTable([head, ...rows]), '', `All tenants had something waiting for ${percent(allWait)} of the time.`];
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

function seconds({ p50Ms, p99Ms, mostMs }: Waiting): string {
  return [p50Ms, p99Ms, mostMs].map((ms) => (Number.isNaN(ms) ? '–' : (ms / 1000).toFixed(1))).join(', ');
}
