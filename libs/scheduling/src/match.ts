import type { ConstraintSpec, ResourceNeeds, TaskId } from '@juice/contracts';
import type { Offer } from './event.ts';
import { comesBefore, dropStaleHeads, type Bucket, type Entry } from './waiting-tasks.ts';

/** What an offer was used for. */
export interface Placement {
  readonly offer: Offer;
  readonly taskIds: TaskId[];
}

/**
 * First fit: tasks in order of priority, then age, each on the first offer that holds it. A shape that fits no offer is
 * out for this round (offers only shrink), so that one task that fits nowhere holds nobody up. A task whose last attempt
 * failed goes to another host if one of the offers is of one and holds it, and for a while waits for such an offer.
 *
 * Takes the placed tasks out of their buckets.
 */
export function matchFirstFit(
  buckets: readonly Bucket[],
  offers: readonly Offer[],
  rules: {
    readonly isWaiting: (entry: Entry) => boolean;
    /** Whether a task that could be placed on the host it avoids would rather wait; `holds` says what offers could hold it. */
    readonly waitsForAnother: (entry: Entry, holds: (offer: Offer) => boolean) => boolean;
    /** How many are placed at the most. */
    readonly most: number;
  },
): Placement[] {
  const rooms: Room[] = offers.map((offer) => ({ offer, left: { ...offer }, taskIds: [] as TaskId[] }));
  const open = buckets.map((bucket) => ({ bucket, from: 0 }));
  const putOff: { readonly bucket: Bucket; readonly entry: Entry }[] = [];
  for (let placed = 0; placed < rules.most && open.length > 0;) {
    const at = firstInLine(open);
    const candidate = open[at];
    if (candidate === undefined) break;
    const { bucket } = candidate;
    let room = rooms[candidate.from];
    while (room !== undefined && !fits(bucket, room.left)) room = rooms[(candidate.from += 1)];
    const head = room && bucket.queue.pop();
    if (room === undefined || head === undefined) {
      open.splice(at, 1);
      continue;
    }
    const avoided = room.offer.hostname === head.avoid?.host;
    const chosen = (avoided ? elsewhere(rooms, candidate.from, bucket) : undefined) ?? room;
    if (avoided && chosen === room && rules.waitsForAnother(head, (most) => fits(bucket, most))) {
      putOff.push({ bucket, entry: head });
    } else {
      chosen.taskIds.push(head.taskId);
      take(chosen.left, bucket.needs);
      placed += 1;
    }
    dropStaleHeads(bucket, rules.isWaiting);
    if (bucket.queue.size === 0) open.splice(at, 1);
  }
  for (const { bucket, entry } of putOff) bucket.queue.push(entry);
  return rooms.filter((room) => room.taskIds.length > 0).map(({ offer, taskIds }) => ({ offer, taskIds }));
}

interface Room extends Placement {
  readonly left: { -readonly [K in keyof Offer]: Offer[K] };
}

/** The first room after this one that holds the shape and is on another host. */
function elsewhere(rooms: readonly Room[], from: number, bucket: Bucket): Room | undefined {
  const avoided = rooms[from]?.offer.hostname;
  return rooms.find(({ offer, left }, at) => at > from && offer.hostname !== avoided && fits(bucket, left));
}

function firstInLine(open: readonly { bucket: Bucket }[]): number {
  let best = -1;
  let bestHead: Entry | undefined;
  for (let at = 0; at < open.length; at += 1) {
    const head = open[at]?.bucket.queue.peek();
    if (head === undefined) continue;
    if (bestHead === undefined || comesBefore(head, bestHead)) {
      best = at;
      bestHead = head;
    }
  }
  return best;
}

function fits({ needs, constraints, role }: Bucket, left: Offer): boolean {
  return (
    (role === '*' || role === left.role) &&
    needs.cpuMillis <= left.cpuMillis &&
    needs.memMb <= left.memMb &&
    needs.diskMb <= left.diskMb &&
    needs.gpus <= left.gpus &&
    needs.ports <= left.ports &&
    constraints.every((constraint) => satisfies(left, constraint))
  );
}

function satisfies(offer: Offer, { field, values }: ConstraintSpec): boolean {
  const actual = field === 'HOSTNAME' ? offer.hostname : offer.rackId;
  return actual !== null && values.includes(actual);
}

function take(left: Room['left'], needs: ResourceNeeds): void {
  left.cpuMillis -= needs.cpuMillis;
  left.memMb -= needs.memMb;
  left.diskMb -= needs.diskMb;
  left.gpus -= needs.gpus;
  left.ports -= needs.ports;
}
