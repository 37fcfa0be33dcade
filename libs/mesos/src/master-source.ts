import { DependencyFailure, InvariantBroken } from '@juice/contracts';
import type { Report } from '@juice/runtime';
import { schedulerUrl } from './master-url.ts';
import type { SetAlarm } from './post.ts';
import { watchLeader } from './zookeeper/leader-watch.ts';
import { isZooKeeperUrl, parseZooKeeperUrl, type ZooKeeperAddress } from './zookeeper/zookeeper-url.ts';

/** Where one subscription is to be asked for. */
export interface Lookup {
  /** To be tried in this order. At least one. */
  readonly masters: readonly URL[];
  /** Aborts, with a DependencyFailure as its reason, when another master leads from then on. */
  readonly replaced: AbortSignal | null;
  /** This one of `masters` led to the leader. */
  joined(master: URL): void;
}

/**
 * Knows which masters to ask. `over` ends what the lookup keeps running (the watch on the leader). Throws a retryable
 * DependencyFailure when no master leads within a while, ProtocolViolation when what is registered is no master.
 */
export type MasterSource = (over: AbortSignal) => Promise<Lookup>;

export interface MasterSourceOptions {
  readonly masters: readonly string[];
  readonly setAlarm: SetAlarm;
  readonly random?: (() => number) | undefined;
  readonly log?: Report | undefined;
  readonly leaderMs?: number | undefined;
  readonly zookeeperSessionMs?: number | undefined;
}

/** Mesos' own default. The servers keep it within 2 to 20 of their ticks. */
const usualSessionMs = 10_000;
/** An election takes its time (10 s of a dead leader's session), but a log that is silent meanwhile helps nobody. */
const usualLeaderMs = 5_000;
const silent: Report = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Throws InvariantBroken when `masters` are neither URLs of masters nor one address of ZooKeeper. */
export function createMasterSource(options: MasterSourceOptions): MasterSource {
  const [first, ...others] = options.masters;
  if (first === undefined) throw new InvariantBroken('no Mesos master is given');
  if (!isZooKeeperUrl(first)) return fromList(options.masters);
  if (others.length > 0) throw new InvariantBroken('a zk:// address stands alone');
  return fromZooKeeper(parseZooKeeperUrl(first), options);
}

/**
 * The masters of a client from one text: URLs separated by commas (blanks around them do not count), or the address of
 * ZooKeeper, whose commas stay. null when it is neither. Unlike a client's, these URLs must name their scheme.
 */
export function parseMasters(text: string): readonly string[] | null {
  const given = text.trim();
  const isAddress = isZooKeeperUrl(given);
  const parts = isAddress ? [given] : given.split(',').map((part) => part.trim());
  const masters = parts.filter((part) => part !== '');
  if (!masters.every((master) => master.includes('://'))) return null;
  try {
    createMasterSource({ masters, setAlarm: () => () => undefined });
    return masters;
  } catch (error: unknown) {
    if (error instanceof InvariantBroken) return null;
    throw error;
  }
}

/** The one that led last time first. */
function fromList(masters: readonly string[]): MasterSource {
  let urls = masters.map(schedulerUrl);
  const joined = (master: URL): void => {
    urls = [master, ...urls.filter((other) => other !== master)];
  };
  return () => Promise.resolve({ masters: urls, replaced: null, joined });
}

/** Every lookup is a connection of its own, as long as its subscription: while nothing is subscribed nothing is held. */
function fromZooKeeper(address: ZooKeeperAddress, options: MasterSourceOptions): MasterSource {
  const { setAlarm, random = Math.random, log = silent, leaderMs = usualLeaderMs } = options;
  const sessionTimeoutMs = options.zookeeperSessionMs ?? usualSessionMs;

  return (over) =>
    new Promise((resolve, reject) => {
      const replaced = new AbortController();
      let found: string | null = null;
      let why = 'no answer from ZooKeeper yet';
      const cancel = setAlarm(leaderMs, () => reject(failure(`no master leads: ${why}`, true)));
      over.addEventListener('abort', () => (cancel(), reject(failure('aborted', false))), { once: true });
      const watch = { address, sessionTimeoutMs, setAlarm, random, log, signal: over };
      watchLeader({
        ...watch,
        onLead(lead) {
          if (lead.kind === 'none') {
            why = lead.detail;
          } else if (lead.kind === 'garbage') {
            // A stream that runs is not given up for this; the next lookup fails by it.
            if (found === null) reject(lead.error);
            else log.warn('cluster.error', { detail: lead.error.message });
          } else if (found === null) {
            found = lead.znode;
            cancel();
            resolve({ masters: [schedulerUrl(lead.url)], replaced: replaced.signal, joined: () => undefined });
          } else if (lead.znode !== found) {
            replaced.abort(failure(`${lead.url} leads now (${lead.znode})`, true));
          }
        },
      }).catch((error: unknown) => {
        reject(error instanceof Error ? error : new Error(String(error)));
        replaced.abort(error);
      });
    });
}

function failure(detail: string, retryable: boolean): DependencyFailure {
  return new DependencyFailure({ dependency: 'mesos', operation: 'detect', retryable, detail });
}
