import type { MongoConnection } from './connection.ts';
import { modelOf } from './collections.ts';
import { attempt, isDuplicateKey } from './mongo-failure.ts';

/**
 * A named lease: one holder at a time, told apart by an epoch that grows with every change of hands.
 *
 * No clock is stored or compared: an observer judges a lease expired when (epoch, renewals) stood still for the lease's
 * length by the observer's own monotonic clock, and then takes it by compare-and-set on what it saw.
 */
export interface Lease {
  readonly name: string;
  /** null: free, released by its last holder. */
  readonly holder: string | null;
  readonly epoch: number;
  readonly renewals: number;
  /** Where the holder is reached from inside; null when it said nothing. */
  readonly url: string | null;
}

export interface LeaseStore {
  read(name: string): Promise<Lease | null>;
  /**
   * Takes the lease if it is still as `seen` (null: nobody ever had it). The new lease with its epoch, seen + 1, or null
   * when somebody else was faster. Repeated after a doubtful failure it finds the holder's own success.
   */
  take(name: string, holder: string, url: string | null, seen: Lease | null): Promise<Lease | null>;
  /** Whether the lease is still the holder's. Once false it stays so. */
  renew(name: string, holder: string, epoch: number): Promise<boolean>;
  /** Frees the lease for the next taker at once; nothing happens when it is not the holder's any more. */
  release(name: string, holder: string, epoch: number): Promise<void>;
}

interface LeaseDocument {
  readonly _id: string;
  readonly holder: string | null;
  readonly epoch: number;
  readonly renewals: number;
  readonly url: string | null;
}

/** Every method throws DependencyFailure when MongoDB cannot be reached: the lease may or may not have been written. */
export function createLeaseStore(conn: MongoConnection): LeaseStore {
  const leases = modelOf(conn, 'Lease');

  const read = async (name: string): Promise<Lease | null> => {
    const found = await attempt('read lease', () => leases.findById(name).lean<LeaseDocument>().exec());
    return found === null ? null : asLease(found);
  };

  const insert = async (name: string, holder: string, url: string | null): Promise<boolean> => {
    try {
      await leases.create({ _id: name, holder, epoch: 1, renewals: 0, url });
      return true;
    } catch (error: unknown) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  };

  const swap = async (holder: string, url: string | null, seen: Lease): Promise<boolean> => {
    const { matchedCount } = await leases.updateOne(
      { _id: seen.name, epoch: seen.epoch, renewals: seen.renewals },
      { $set: { holder, url, epoch: seen.epoch + 1, renewals: 0 } },
    );
    return matchedCount === 1;
  };

  return {
    read,
    async take(name, holder, url, seen) {
      const taken = await attempt('take lease', () =>
        seen === null ? insert(name, holder, url) : swap(holder, url, seen),
      );
      const epoch = (seen?.epoch ?? 0) + 1;
      if (taken) return { name, holder, epoch, renewals: 0, url };
      const present = await read(name);
      return present?.holder === holder && present.epoch === epoch ? present : null;
    },
    async renew(name, holder, epoch) {
      const { matchedCount } = await attempt('renew lease', () =>
        leases.updateOne({ _id: name, holder, epoch }, { $inc: { renewals: 1 } }).exec(),
      );
      return matchedCount === 1;
    },
    async release(name, holder, epoch) {
      await attempt('release lease', () =>
        leases.updateOne({ _id: name, holder, epoch }, { $set: { holder: null }, $inc: { renewals: 1 } }).exec(),
      );
    },
  };
}

function asLease({ _id, holder, epoch, renewals, url }: LeaseDocument): Lease {
  return { name: _id, holder, epoch, renewals, url };
}
