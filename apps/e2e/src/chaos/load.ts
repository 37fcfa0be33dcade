import { setTimeout as wait } from 'node:timers/promises';
import { createClient, type Submission, type TenantClient } from '@juice/client';
import type { TaskId } from '@juice/contracts';
import type { Chance } from '@juice/trial';
import type { Submitted, TaskKind } from './ledger.ts';

/** Tenants that submit tasks all the time, at the apis by turns, and come again when one of these fails. */
export interface Load {
  /** No further ones; resolves when those under way are answered, or were given up. */
  stop(): Promise<void>;
  readonly submitted: readonly Submitted[];
  /** Requests that were given up, or refused for good: in words. */
  readonly failures: readonly string[];
  /** Tries without an answer: no connection, one that broke, or nothing in time. */
  readonly broken: number;
  /** Tries that were answered with a status that says to come again: how many of each. */
  readonly statuses: ReadonlyMap<number, number>;
  /** As often was one request tried at most. */
  readonly mostTries: number;
  /** The longest time in which no submission was accepted. */
  readonly longestGapMs: number;
}

/** Each has a receiver at the same origin, and with it an endpoint of its own. */
export const tenants = 8;
const kinds: readonly { readonly kind: TaskKind; readonly part: number }[] = [
  { kind: 'quick', part: 60 },
  { kind: 'lasting', part: 20 },
  { kind: 'retried', part: 8 },
  { kind: 'killed', part: 10 },
  { kind: 'expiring', part: 2 },
];
/** The least that a task can have. */
export const resources = { cpu: 0.1, mem: 256 };
/** Delays grow to ten seconds: this is minutes, and whoever comes so often in vain has found a defect. */
const retries = 60;
const longestMs = 4_000;
/**
 * Tasks in hand at a time; then nobody submits any. Without a bound, what piles up in an outage keeps a small machine from ever
 * getting to the end of it: each try would be late, and be tried again.
 */
const mostInHand = 100;
const notedGapMs = 2_000;

export function startLoad(options: {
  /** Where the apis are, asked before each request. */
  readonly apis: () => readonly string[];
  readonly callbackUrl: string;
  /** Every attempt that runs adds its Mesos task id to it. */
  readonly runsFile: string;
  readonly perSecond: number;
  /** An api that has not answered by then is passed over for the other one. */
  readonly answerMs: number;
  readonly chance: Chance;
  /** Told of times without a submission accepted. */
  readonly note: (what: string) => void;
}): Load {
  const { callbackUrl, runsFile, chance } = options;
  const submitted: Submitted[] = [];
  const failures: string[] = [];
  const statuses = new Map<number, number>();
  const counts = { broken: 0, mostTries: 0, longestGapMs: 0 };
  const underWay = new Set<Promise<void>>();
  const stopping = new AbortController();
  let acceptedMs = performance.now();
  let hasEnded = false;
  const clients = Array.from({ length: tenants }, (_, at) => createTenant(`tenant-${at}`));

  /** The next api for every try, so that one that is sent again is sent to another. */
  function createTenant(tenantId: string): TenantClient {
    const tries = new Map<string, number>();
    const latest = new Map<string, string>();
    const turning: typeof fetch = async (given, init) => {
      // The client's are texts.
      const url = given as string;
      const request = `${url} ${new Headers(init?.headers).get('idempotency-key')}`;
      const others = options.apis().filter((api) => api !== latest.get(request));
      const api = others[turn++ % others.length] ?? '';
      latest.set(request, api);
      tries.set(request, (tries.get(request) ?? 0) + 1);
      counts.mostTries = Math.max(counts.mostTries, tries.get(request) ?? 0);
      try {
        const answer = await fetch(url.replace(nowhere, api), init ?? {});
        if (!answer.ok) statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        return answer;
      } catch (error: unknown) {
        counts.broken += 1;
        throw error;
      }
    };
    return createClient({ url: nowhere, tenantId, retries, timeoutMs: options.answerMs, fetch: turning });
  }

  function noteGap(): void {
    const gapMs = performance.now() - acceptedMs;
    // What comes in afterwards was tried again: nothing new is submitted any more.
    if (hasEnded) return;
    if (gapMs > notedGapMs) options.note(`no submission was accepted for ${Math.round(gapMs)} ms`);
    counts.longestGapMs = Math.max(counts.longestGapMs, gapMs);
    acceptedMs = performance.now();
  }

  /** What a tenant does about one task. */
  async function submit(number: number): Promise<void> {
    const { kind } = chance.oneOf(kinds);
    const name = `chaos-${number}`;
    const pauseMs = chance.next() * longestMs;
    const isPlaced = kind !== 'expiring' && (kind !== 'killed' || chance.next() < 0.5);
    const task = { ...commandsOf(kind, pauseMs, runsFile), ...(isPlaced ? {} : { constraints: [nowhereToRun] }) };
    const client = clients[number % tenants] as TenantClient;
    let taskId: TaskId | null = null;
    try {
      taskId = (await client.submit({ taskName: name, callbackUrl, resources, ...task })) as TaskId;
      noteGap();
      if (kind !== 'killed') return;
      await wait(pauseMs);
      await client.kill(taskId);
    } catch (error: unknown) {
      failures.push(`${name}, ${taskId === null ? 'submitted' : `${taskId} killed`}: ${String(error)}`);
    } finally {
      submitted.push({ name, kind, taskId });
    }
  }

  async function go(): Promise<void> {
    for (let number = 0; !stopping.signal.aborted; number += 1) {
      if (underWay.size >= mostInHand) await Promise.race(underWay);
      const one = submit(number).finally(() => underWay.delete(one));
      underWay.add(one);
      await wait(1000 * chance.pause(options.perSecond), undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    noteGap();
    hasEnded = true;
    await Promise.all(underWay);
  }

  let turn = 0;
  const going = go();
  return {
    submitted,
    failures,
    statuses,
    get broken() {
      return counts.broken;
    },
    get mostTries() {
      return counts.mostTries;
    },
    get longestGapMs() {
      return counts.longestGapMs;
    },
    stop() {
      stopping.abort();
      return going;
    },
  };
}

const nowhere = 'http://juice.test';
const nowhereToRun = { field: 'HOSTNAME', values: ['no-such-host'] };

function commandsOf(kind: TaskKind, pauseMs: number, runsFile: string): Partial<Submission> {
  const ran = `echo $MESOS_TASK_ID >> ${runsFile}`;
  switch (kind) {
    case 'quick':
      return { commands: ran };
    case 'lasting':
      return { commands: `${ran}; sleep ${(pauseMs / 1000).toFixed(3)}` };
    case 'retried':
      return { commands: `${ran}; exit 1`, retry: 1 };
    case 'killed':
      return { commands: `${ran}; sleep 600` };
    case 'expiring':
      return { commands: ran, expireSeconds: 1 };
  }
}
