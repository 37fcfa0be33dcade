import type { ResourceNeeds } from '@juice/contracts';
import { median, percentile } from '../statistics.ts';
import type { Scenario } from './scenario.ts';

export interface Waiting {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

export interface TenantOutcome {
  readonly id: string;
  readonly weight: number;
  /** Its part of all weights. */
  readonly due: number;
  /** Its dominant share of the cluster: over the time measured, and over the part of it in which every tenant had something waiting. */
  readonly share: number;
  readonly shareWhenAllWait: number;
  readonly placed: number;
  readonly unplaced: number;
  readonly waiting: Waiting;
}

/** What came of a simulation; every number follows from the scenario and its seed. */
export interface Measured {
  readonly utilisation: { readonly cpus: number; readonly mem: number };
  readonly placed: number;
  /** Submitted in the time measured, and not launched by the end: their waiting counts as long as it was. */
  readonly unplaced: number;
  readonly waiting: Waiting;
  /** The tenant whose tasks waited longest, by the 99th percentile. */
  readonly worst: { readonly id: string; readonly waiting: Waiting };
  /** The part of the time in which every tenant had something waiting. */
  readonly allWait: number;
  readonly tenants: readonly TenantOutcome[];
  readonly samples: readonly { readonly atMs: number; readonly shares: readonly number[] }[];
}

interface Account {
  readonly id: string;
  readonly weight: number;
  cpuMillis: number;
  memMb: number;
  gpus: number;
  waiting: number;
  placed: number;
  readonly waits: number[];
  /** Of what it took, over time: all, and while all waited. */
  readonly sum: Integral;
  readonly sumWhenAllWait: Integral;
}

/** What the cluster has. */
interface Whole {
  readonly cpuMillis: number;
  readonly memMb: number;
  readonly gpus: number;
}

interface Integral {
  cpus: number;
  mem: number;
  gpus: number;
}

/** Keeps account of who takes what for how long, and of how long tasks wait. */
export class Measures {
  readonly #accounts: readonly Account[];
  readonly #byId: ReadonlyMap<string, Account>;
  readonly #total: Whole;
  readonly #fromMs: number;
  readonly #untilMs: number;
  readonly #unplaced = new Map<Account, Set<{ readonly atMs: number }>>();
  readonly #samples: { atMs: number; shares: number[] }[] = [];
  #atMs = 0;
  #allWaitMs = 0;

  constructor(scenario: Pick<Scenario, 'tenants' | 'warmUpMinutes' | 'minutes'>, total: Whole) {
    this.#accounts = scenario.tenants.map(({ id, weight }) => openAccount(id, weight));
    this.#byId = new Map(this.#accounts.map((account) => [account.id, account]));
    for (const account of this.#accounts) this.#unplaced.set(account, new Set());
    this.#total = total;
    this.#fromMs = scenario.warmUpMinutes * 60_000;
    this.#untilMs = scenario.minutes * 60_000;
  }

  /** Time passes: to be called before anything changes. */
  pass(nowMs: number): void {
    const ms = Math.min(nowMs, this.#untilMs) - Math.max(this.#atMs, this.#fromMs);
    this.#atMs = nowMs;
    if (ms <= 0) return;
    const allWait = this.#accounts.every(({ waiting }) => waiting > 0);
    if (allWait) this.#allWaitMs += ms;
    for (const account of this.#accounts) {
      integrate(account.sum, account, ms);
      if (allWait) integrate(account.sumWhenAllWait, account, ms);
    }
  }

  submitted(task: { readonly tenantId: string; readonly atMs: number }): void {
    const account = this.#accountOf(task.tenantId);
    account.waiting += 1;
    this.#unplaced.get(account)?.add(task);
  }

  /** `first`: its first attempt, which ends its waiting. */
  launched(
    task: { readonly tenantId: string; readonly atMs: number; readonly needs: ResourceNeeds },
    first: boolean,
  ): void {
    const account = this.#accountOf(task.tenantId);
    account.cpuMillis += task.needs.cpuMillis;
    account.memMb += task.needs.memMb;
    account.gpus += task.needs.gpus;
    if (!first) return;
    account.waiting -= 1;
    this.#unplaced.get(account)?.delete(task);
    if (!this.#isMeasured(task)) return;
    account.placed += 1;
    account.waits.push(this.#atMs - task.atMs);
  }

  ended({ tenantId, needs }: { readonly tenantId: string; readonly needs: ResourceNeeds }): void {
    const account = this.#accountOf(tenantId);
    account.cpuMillis -= needs.cpuMillis;
    account.memMb -= needs.memMb;
    account.gpus -= needs.gpus;
  }

  /** Notes the tenants' shares as they are. */
  sample(): void {
    const shares = this.#accounts.map(({ cpuMillis, memMb, gpus }) =>
      this.#shareOf({ cpus: cpuMillis, mem: memMb, gpus }, 1),
    );
    this.#samples.push({ atMs: this.#atMs, shares });
  }

  result(): Measured {
    const measuredMs = Math.min(this.#atMs, this.#untilMs) - this.#fromMs;
    const weights = this.#accounts.reduce((sum, { weight }) => sum + weight, 0);
    const sums = this.#accounts.reduce((all, { sum }) => ({ cpus: all.cpus + sum.cpus, mem: all.mem + sum.mem }), {
      cpus: 0,
      mem: 0,
    });
    const all: number[] = [];
    const tenants = this.#accounts.map((account): TenantOutcome => {
      const left = [...(this.#unplaced.get(account) ?? [])].filter((task) => this.#isMeasured(task));
      const waits = [...account.waits, ...left.map(({ atMs }) => this.#atMs - atMs)];
      for (const wait of waits) all.push(wait);
      return {
        id: account.id,
        weight: account.weight,
        due: account.weight / weights,
        share: this.#shareOf(account.sum, measuredMs),
        shareWhenAllWait: this.#allWaitMs === 0 ? 0 : this.#shareOf(account.sumWhenAllWait, this.#allWaitMs),
        placed: account.placed,
        unplaced: left.length,
        waiting: summarise(waits),
      };
    });
    const worst = tenants.reduce((a, b) => ((b.waiting.p99Ms || 0) > (a.waiting.p99Ms || 0) ? b : a));
    return {
      utilisation: {
        cpus: sums.cpus / (this.#total.cpuMillis * measuredMs),
        mem: sums.mem / (this.#total.memMb * measuredMs),
      },
      placed: tenants.reduce((sum, { placed }) => sum + placed, 0),
      unplaced: tenants.reduce((sum, { unplaced }) => sum + unplaced, 0),
      waiting: summarise(all),
      worst: { id: worst.id, waiting: worst.waiting },
      allWait: this.#allWaitMs / measuredMs,
      tenants,
      samples: this.#samples,
    };
  }

  #accountOf(tenantId: string): Account {
    return this.#byId.get(tenantId) as Account;
  }

  #isMeasured({ atMs }: { readonly atMs: number }): boolean {
    return atMs >= this.#fromMs && atMs < this.#untilMs;
  }

  #shareOf({ cpus, mem, gpus }: Integral, ms: number): number {
    const { cpuMillis, memMb, gpus: allGpus } = this.#total;
    return Math.max(cpus / (cpuMillis * ms), mem / (memMb * ms), allGpus === 0 ? 0 : gpus / (allGpus * ms));
  }
}

function openAccount(id: string, weight: number): Account {
  const zero = (): Integral => ({ cpus: 0, mem: 0, gpus: 0 });
  const sums = { sum: zero(), sumWhenAllWait: zero() };
  return { id, weight, cpuMillis: 0, memMb: 0, gpus: 0, waiting: 0, placed: 0, waits: [], ...sums };
}

function integrate(sum: Integral, { cpuMillis, memMb, gpus }: Account, ms: number): void {
  sum.cpus += cpuMillis * ms;
  sum.mem += memMb * ms;
  sum.gpus += gpus * ms;
}

function summarise(waits: readonly number[]): Waiting {
  return { p50Ms: median(waits), p99Ms: percentile(waits, 0.99), mostMs: percentile(waits, 1) };
}
