import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createChance, startReceiver, until, type ReceivedCallback } from '@juice/trial';
import { startChaosWorld, type ChaosWorld } from './chaos-world.ts';
import { keepUp, type KeptProcess } from './keep-up.ts';
import { settle } from './ledger.ts';
import { startLoad, type Load } from './load.ts';
import { planFaults, services, type Fault, type FaultKind, type Service } from './plan-faults.ts';
import { isRight, report, type ChaosResult } from './report.ts';

export interface ChaosOptions {
  readonly lengthMs: number;
  readonly seed: number;
  readonly perSecond: number;
  readonly bundles: string;
  readonly inherited: Readonly<Record<string, string | undefined>>;
  readonly say: (line: string) => void;
  /** What is left to look at stays although all is right. */
  readonly keep: boolean;
  /** Ends the faults and the load early; what was accepted until then is settled. */
  readonly signal: AbortSignal;
}

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
/** As long as each is kept by a process that says nothing: short where it can be set, so that many of them run out. */
const leaseMs: Readonly<Record<Service, number>> = { scheduler: 2_500, callback: 15_000, api: 30_000 };
const env = {
  JUICE_LEASE: `${leaseMs.scheduler}ms`,
  JUICE_CALLBACK_LEASE: `${leaseMs.callback}ms`,
  JUICE_CALLBACK_SECRET: secret,
  JUICE_CALLBACK_ALLOW: '127.0.0.0/8',
  JUICE_CALLBACK_TIMEOUT: '5s',
  JUICE_CALLBACK_SWEEP: '1s',
  // Longer in all than a run: a lane that dies would be no defect.
  JUICE_CALLBACK_SCHEDULE: ['0s', '1s', ...Array.from({ length: 8 }, () => '3s'), ...Array(60).fill('60s')].join(','),
};
/** A stopped api answers nothing; long beside what a busy machine lets one wait. */
const answerMs = 5_000;
/** Of all callbacks; refused with 503. */
const refusedShare = 0.05;
/**
 * When all that goes wrong is over there are retries and leases that run out, on a machine that is busy with other things. What has
 * not moved for so long is stuck.
 */
const stuckMs = 120_000;

/**
 * Runs two of each service, each a process, on a broker, a store and a cluster that are processes too; has tenants submit
 * tasks all the time while processes are killed and stopped and broker and store restarted as the seed says; waits until
 * all has come to rest, and tells what the ledger says. Resolves with whether all is right; if not, what is left to look at is in a folder
 * that it names.
 */
export async function runChaos(options: ChaosOptions): Promise<boolean> {
  const { seed, say } = options;
  const folder = await mkdtemp(join(tmpdir(), 'juice-chaos-'));
  const timeline = createWriteStream(join(folder, 'faults.log'));
  const accepted: ReceivedCallback[] = [];
  const chance = createChance(seed + 1);
  const receiver = await startReceiver({
    secret,
    answer(callback) {
      if (chance.next() < refusedShare) return 503;
      accepted.push(callback);
      return 200;
    },
  });
  let world: ChaosWorld | null = null;
  const kept = new Map<string, KeptProcess>();
  let result: ChaosResult;
  try {
    world = await startChaosWorld({ ...options, folder, env });
    await startServices(world, kept);
    const apis = await Promise.all([0, 1].map((index) => keptOf(kept, `api-${index}`).up()));
    const urls = apis.map(({ url }) => url);
    const { runsFile } = world;
    const note = (what: string): void => void timeline.write(`${new Date().toISOString()} ${what}\n`);
    const load = startLoad({
      ...options,
      answerMs,
      apis: () => urls,
      callbackUrl: receiver.url,
      runsFile,
      chance,
      note,
    });
    const done = await sufferAll({ world, kept, note, ...options });
    await load.stop();
    result = { ...options, done, load, ...(await closeBooks({ world, load, accepted })), ownEnds: ownEndsOf(kept) };
  } finally {
    await Promise.all([...kept.values()].map((process) => process.close()));
    await Promise.all([world?.close(), receiver.close()]);
    await new Promise((resolve) => timeline.end(() => resolve(null)));
  }
  for (const line of report(result)) say(line);
  const right = isRight(result);
  if (right && !options.keep) {
    await rm(folder, { recursive: true, force: true });
    return true;
  }
  await writeFile(join(folder, 'findings.json'), JSON.stringify(findingsOf(result), null, 2));
  say(`\nfindings.json, faults.log, what every process logged (logs/) and what was stored are in ${folder}`);
  return right;
}

async function startServices(world: ChaosWorld, kept: Map<string, KeptProcess>): Promise<void> {
  const names = services.flatMap((service) => [0, 1].map((index) => ({ service, name: `${service}-${index}` })));
  await Promise.all(
    names.map(async ({ service, name }) => {
      // The first one's port is that of all that follow: where it is known to be.
      let port = '0';
      const start = async () => {
        const process = await world.start(service, name, { JUICE_PORT: port, JUICE_HEALTH_PORT: port });
        ({ port } = new URL(process.url));
        return process;
      };
      kept.set(name, await keepUp(start));
    }),
  );
}

function keptOf(kept: ReadonlyMap<string, KeptProcess>, name: string): KeptProcess {
  const found = kept.get(name);
  if (found === undefined) throw new Error(`${name} was never started`);
  return found;
}

interface Stage {
  readonly world: ChaosWorld;
  readonly kept: ReadonlyMap<string, KeptProcess>;
  readonly note: (what: string) => void;
}

/** Plays the plan; resolves with how many of each kind were done when the time and every fault is over. */
async function sufferAll(
  stage: Stage & Pick<ChaosOptions, 'lengthMs' | 'seed' | 'signal'>,
): Promise<ReadonlyMap<FaultKind, number>> {
  const { lengthMs, seed, signal } = stage;
  const done = new Map<FaultKind, number>();
  /** What hits the same waits for what hit it before; everything else goes on. */
  const turns = new Map<string, Promise<void>>();
  const startedMs = performance.now();
  const waitUntil = (atMs: number): Promise<void> =>
    wait(Math.max(0, startedMs + atMs - performance.now()), undefined, { signal }).catch(() => undefined);

  for (const fault of planFaults({ seed, lengthMs, leaseMs })) {
    await waitUntil(fault.atMs);
    if (signal.aborted) break;
    const target = 'service' in fault ? `${fault.service}-${fault.index}` : fault.kind;
    const turn = (turns.get(target) ?? Promise.resolve()).then(() => suffer(fault, target, stage));
    turn.catch(() => undefined);
    turns.set(target, turn);
    done.set(fault.kind, (done.get(fault.kind) ?? 0) + 1);
  }
  await waitUntil(lengthMs);
  await Promise.all(turns.values());
  return done;
}

async function suffer(fault: Fault, target: string, { world, kept, note }: Stage): Promise<void> {
  if (fault.kind === 'kill') {
    note(`${target} is killed`);
    return keptOf(kept, target).kill();
  }
  if (fault.kind === 'stop') {
    const stopped = await keptOf(kept, target).up();
    note(`${target} is stopped for ${fault.lastsMs} ms`);
    stopped.pause();
    await wait(fault.lastsMs);
    stopped.resume();
    return note(`${target} goes on`);
  }
  note(`the ${target} is killed, for ${fault.lastsMs} ms`);
  await world[fault.kind].kill();
  await wait(fault.lastsMs);
  await world[fault.kind].start();
  note(`the ${target} is back`);
}

/** Waits until all has ended and is called back, or long enough; then settles. */
async function closeBooks({
  world,
  load,
  accepted,
}: {
  readonly world: ChaosWorld;
  readonly load: Load;
  readonly accepted: readonly ReceivedCallback[];
}) {
  const startedMs = performance.now();
  for (let left = await world.countUnsettled(); left > 0;) {
    const before = left;
    const hasMoved = async (): Promise<boolean> => (left = await world.countUnsettled()) < before;
    // What is stuck is in the books.
    const isMoving = until('some to end', hasMoved, { withinMs: stuckMs, everyMs: 250 }).then(
      () => true,
      () => false,
    );
    if (!(await isMoving)) break;
  }
  const settledMs = performance.now() - startedMs;
  const [stored, runs] = await Promise.all([world.readTasks(), world.readRuns()]);
  const settled = settle({ submitted: load.submitted, stored, runs, callbacks: accepted });
  return { ...settled, settledMs, runs: runs.length, callbacks: accepted.length };
}

function ownEndsOf(kept: ReadonlyMap<string, KeptProcess>): ReadonlyMap<Service, number> {
  return new Map(
    services.map((service) => [
      service,
      [0, 1].reduce((sum, index) => sum + keptOf(kept, `${service}-${index}`).ownEnds.length, 0),
    ]),
  );
}

function findingsOf({ violations, load, ownEnds }: ChaosResult) {
  return { violations, failures: load.failures, ownEnds: Object.fromEntries(ownEnds) };
}
