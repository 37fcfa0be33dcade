import type { SchedulableTask } from '@juice/contracts';
import {
  compileConstraint,
  createCommands,
  type Commands,
  type Constraint,
  type Event,
  type Launch,
  type Offer,
} from '@juice/scheduling';
import { patterns, type Candidate } from './candidate.ts';

/**
 * What Juice is compared with: one list in the order of submission, whoever submitted.
 *
 * - `fifo` is the original's way: offer by offer takes tasks from the head of the list, and the first that an offer does
 *   not hold ends its turn. One task that fits nowhere stops everything.
 * - `first-fit` passes over tasks that fit nowhere: each task in turn goes to the first offer that holds it.
 *
 * Neither knows weights, limits, priorities or groups. Offers live as with Juice (kept for a while, then declined; new work
 * lifts the filters), so that what differs is who gets them.
 */
export function createBaseline(name: 'fifo' | 'first-fit', atMs: number): Candidate {
  const rooms: Room[] = [];
  const queue = new Map<string, Line>();
  const place = name === 'fifo' ? placeFromHead : placeFirstFit;
  let arrivals = 0;
  let cycles = 0;
  let isFiltered = false;
  let hasNew = false;
  let revivedMs = atMs;

  function take(event: Event, out: Commands): void {
    if (event.kind === 'task.loaded' && event.live !== null) {
      enqueue(queue, event.live.task, arrivals++);
      hasNew = true;
    } else if (event.kind === 'offers.received') {
      for (const offer of event.offers) rooms.push({ offer, free: { ...offer }, receivedMs: event.atMs, launches: [] });
      hasNew = true;
    } else if (event.kind === 'clock.ticked') {
      declineOld(event.atMs, out);
    }
  }

  function declineOld(nowMs: number, out: Commands): void {
    const old = rooms.filter(({ receivedMs }) => nowMs - receivedMs >= holdMs);
    if (old.length === 0) return;
    rooms.splice(0, rooms.length, ...rooms.filter(({ receivedMs }) => nowMs - receivedMs < holdMs));
    out.call.push({ kind: 'decline', offerIds: old.map(({ offer }) => offer.offerId), refuseSeconds });
    isFiltered = true;
  }

  function match(nowMs: number, out: Commands): void {
    if (!hasNew) return;
    hasNew = false;
    if (rooms.length > 0 && queue.size > 0) {
      cycles += 1;
      place(queue, rooms);
      for (const { offer, launches } of rooms) {
        const { agentId, offerId } = offer;
        if (launches.length > 0)
          out.call.push({ kind: 'accept', offerIds: [offerId], agentId, launches, refuseSeconds: 0 });
      }
      rooms.splice(0, rooms.length, ...rooms.filter(({ launches }) => launches.length === 0));
    }
    if (queue.size === 0 || !isFiltered) return;
    // As Juice: new work may lift the filters, at most once a second.
    if (nowMs - revivedMs < reviveMs) {
      hasNew = true;
      return;
    }
    revivedMs = nowMs;
    isFiltered = false;
    out.call.push({ kind: 'revive' });
  }

  return {
    name,
    play(events, nowMs) {
      const out = createCommands();
      for (const event of events) take(event, out);
      match(nowMs, out);
      return out;
    },
    cycles: () => cycles,
  };
}

/** Juice's own defaults. */
const holdMs = 2_000;
const refuseSeconds = 5;
const reviveMs = 1_000;

interface Room {
  readonly offer: Offer;
  readonly free: { cpuMillis: number; memMb: number; diskMb: number; gpus: number };
  readonly receivedMs: number;
  readonly launches: Launch[];
}

/** Tasks alike, in the order of submission. Never empty. */
interface Line {
  readonly key: string;
  readonly needs: SchedulableTask['needs'];
  readonly constraints: readonly Constraint[];
  tasks: { readonly task: SchedulableTask; readonly arrival: number }[];
  /** Where in `tasks` it begins: the others have gone. */
  head: number;
}

type Queue = Map<string, Line>;

function enqueue(queue: Queue, task: SchedulableTask, arrival: number): void {
  const { needs, constraints } = task;
  const { cpuMillis, memMb, diskMb, gpus } = needs;
  const key = `${cpuMillis}/${memMb}/${diskMb}/${gpus}${constraints.length === 0 ? '' : JSON.stringify(constraints)}`;
  const line = queue.get(key);
  if (line === undefined) {
    const compiled = constraints.map((spec) => compileConstraint(spec, patterns));
    queue.set(key, { key, needs, constraints: compiled, tasks: [{ task, arrival }], head: 0 });
  } else {
    line.tasks.push({ task, arrival });
  }
}

function placeFromHead(queue: Queue, rooms: readonly Room[]): void {
  let line = oldest(queue.values());
  for (const room of rooms) {
    while (line !== undefined && fits(room, line)) {
      launchHead(queue, line, room);
      line = oldest(queue.values());
    }
    if (line === undefined) return;
  }
}

function placeFirstFit(queue: Queue, rooms: readonly Room[]): void {
  // Rooms only shrink: what did not hold a line does not later.
  const from = new Map<Line, number>();
  const open = new Set(queue.values());
  for (let line = oldest(open); line !== undefined; line = oldest(open)) {
    let at = from.get(line) ?? 0;
    while (at < rooms.length && !fits(rooms[at] as Room, line)) at += 1;
    from.set(line, at);
    const room = rooms[at];
    if (room === undefined || !launchHead(queue, line, room)) open.delete(line);
  }
}

function oldest(lines: Iterable<Line>): Line | undefined {
  let first: Line | undefined;
  let least = Infinity;
  for (const line of lines) {
    const arrival = line.tasks[line.head]?.arrival ?? Infinity;
    if (arrival < least) [first, least] = [line, arrival];
  }
  return first;
}

/** Whether there are more. */
function launchHead(queue: Queue, line: Line, { free, launches }: Room): boolean {
  const { task } = line.tasks[line.head] as Line['tasks'][number];
  const { cpuMillis, memMb, diskMb, gpus } = line.needs;
  free.cpuMillis -= cpuMillis;
  free.memMb -= memMb;
  free.diskMb -= diskMb;
  free.gpus -= gpus;
  launches.push({
    taskId: task.taskId,
    tenantId: task.tenantId,
    attempt: 1,
    mesosTaskId: `${task.taskName}-${task.taskId}-1`,
  });
  line.head += 1;
  if (line.head < line.tasks.length) {
    if (line.head > 1_000) [line.tasks, line.head] = [line.tasks.slice(line.head), 0];
    return true;
  }
  queue.delete(line.key);
  return false;
}

function fits({ free, offer }: Room, { needs, constraints }: Line): boolean {
  return (
    needs.cpuMillis <= free.cpuMillis &&
    needs.memMb <= free.memMb &&
    needs.diskMb <= free.diskMb &&
    needs.gpus <= free.gpus &&
    constraints.every((constraint) => constraint.allows(offer))
  );
}
