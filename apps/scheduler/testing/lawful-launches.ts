import type { Offer, ReceivedCall } from '@juice/mesos';
import { answeredOffers, launchesOf } from './recorded-master.ts';

/** What is wrong with the calls that answer offers; empty when they are as a master wants them. */
export function unlawfulLaunches(calls: readonly ReceivedCall[], offers: readonly Offer[]): string[] {
  const problems: string[] = [];
  const answered = new Set<string>();
  for (const call of calls) {
    for (const id of answeredOffers(call)) {
      if (answered.has(id)) problems.push(`offer ${id} is answered twice`);
      answered.add(id);
    }
    if (call.type !== 'ACCEPT') continue;
    const accepted = offers.filter(({ id }) => answeredOffers(call).includes(id.value));
    const agents = new Set(accepted.map(({ agent_id }) => agent_id.value));
    if (agents.size !== 1) problems.push(`an ACCEPT of ${agents.size} agents`);
    const left = tally(accepted.flatMap(({ resources }) => resources));
    for (const info of launchesOf(call)) {
      if (!agents.has(info.agent_id.value)) problems.push(`${info.task_id.value} is for another agent`);
      for (const [what, amount] of tally(info.resources ?? [])) {
        const remains = (left.get(what) ?? 0) - amount;
        left.set(what, remains);
        if (remains < 0) problems.push(`${info.task_id.value} takes more ${what} than was offered`);
      }
      for (const { name, scalar } of info.resources ?? []) {
        if (scalar !== undefined && Number(scalar.value.toFixed(3)) !== scalar.value)
          problems.push(`${info.task_id.value} takes ${scalar.value} ${name}: finer than thousandths`);
      }
    }
  }
  return problems;
}

/** Thousandths of each scalar and single ports, told apart by reservation and allocation. */
function tally(resources: readonly Partial<Offer['resources'][number]>[]): Map<string, number> {
  const amounts = new Map<string, number>();
  for (const { name, scalar, ranges, reservations, allocation_info: allocation } of resources) {
    const kind = `${name} ${JSON.stringify(reservations ?? [])} ${allocation?.role}`;
    if (scalar !== undefined) amounts.set(kind, (amounts.get(kind) ?? 0) + Math.round(scalar.value * 1000));
    for (const { begin, end } of ranges?.range ?? [])
      for (let port = begin; port <= end; port += 1) amounts.set(`${kind} ${port}`, 1);
  }
  return amounts;
}
