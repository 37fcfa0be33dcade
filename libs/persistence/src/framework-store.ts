import type { MongoConnection } from './connection.ts';
import { modelOf } from './collections.ts';
import { attempt, isDuplicateKey } from './mongo-failure.ts';

export interface FrameworkStore {
  /** The id the cluster gave us; null when there is none (never subscribed, or cleared). */
  load(name: string): Promise<{ readonly frameworkId: string } | null>;
  /** Applies unless a newer epoch has written: then `fenced`, and nothing is changed. */
  save(name: string, frameworkId: string, epoch: number): Promise<'saved' | 'fenced'>;
  /** Forgets the id (the cluster no longer knows it), under the same guard. */
  clear(name: string, epoch: number): Promise<'saved' | 'fenced'>;
}

/** Every method throws DependencyFailure when MongoDB cannot be reached. */
export function createFrameworkStore(conn: MongoConnection): FrameworkStore {
  const frameworks = modelOf(conn, 'Framework');

  const update = async (name: string, frameworkId: string | null, epoch: number, upsert: boolean): Promise<boolean> => {
    const { matchedCount, upsertedCount } = await frameworks.updateOne(
      { _id: name, epoch: { $lte: epoch } },
      { $set: { frameworkId, epoch } },
      { upsert },
    );
    return matchedCount + upsertedCount === 1;
  };

  const write = (name: string, frameworkId: string | null, epoch: number): Promise<'saved' | 'fenced'> =>
    attempt('save framework id', async () => {
      const wrote = await update(name, frameworkId, epoch, true).catch((error: unknown) => {
        // The document exists: its epoch is newer, or another upsert was faster just now. The plain update tells which.
        if (isDuplicateKey(error)) return update(name, frameworkId, epoch, false);
        throw error;
      });
      return wrote ? 'saved' : 'fenced';
    });

  return {
    async load(name) {
      const found = await attempt('load framework id', () =>
        frameworks.findById(name).lean<{ frameworkId: string | null }>().exec(),
      );
      const frameworkId = found?.frameworkId ?? null;
      return frameworkId === null ? null : { frameworkId };
    },
    save: write,
    clear: (name, epoch) => write(name, null, epoch),
  };
}
