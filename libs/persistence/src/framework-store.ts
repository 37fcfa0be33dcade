import type { MongoConnection } from './connection.ts';
import { modelOf } from './collections.ts';
import { attempt, isDuplicateKey } from './mongo-failure.ts';

export interface FrameworkStore {
  /**
   * Reads the id the cluster gave us (null when there is none: never subscribed, or cleared) and makes it this epoch's:
   * from then on no older epoch saves another. So of two leaders that subscribe for the very first time, each as a new
   * framework, the older one is told before it can use what it got.
   */
  claim(name: string, epoch: number): Promise<{ readonly frameworkId: string | null } | 'fenced'>;
  /** Applies unless a newer epoch has written: then `fenced`, and nothing is changed. */
  save(name: string, frameworkId: string, epoch: number): Promise<'saved' | 'fenced'>;
  /** Forgets the id (the cluster no longer knows it), under the same guard. */
  clear(name: string, epoch: number): Promise<'saved' | 'fenced'>;
}

/** Every method throws DependencyFailure when MongoDB cannot be reached. */
export function createFrameworkStore(conn: MongoConnection): FrameworkStore {
  const frameworks = modelOf(conn, 'Framework');

  const update = async (name: string, fields: Fields, upsert: boolean): Promise<boolean> => {
    const guard = { _id: name, epoch: { $lte: fields.epoch } };
    const { matchedCount, upsertedCount } = await frameworks.updateOne(guard, { $set: fields }, { upsert });
    return matchedCount + upsertedCount === 1;
  };

  const write = async (name: string, fields: Fields): Promise<'saved' | 'fenced'> => {
    const wrote = await update(name, fields, true).catch((error: unknown) => {
      // The document exists: its epoch is newer, or another upsert was faster just now. The plain update tells which.
      if (isDuplicateKey(error)) return update(name, fields, false);
      throw error;
    });
    return wrote ? 'saved' : 'fenced';
  };

  return {
    claim: (name, epoch) =>
      attempt('claim framework id', async () => {
        if ((await write(name, { epoch })) === 'fenced') return 'fenced';
        const found = await frameworks.findById(name).lean<{ frameworkId?: string | null; epoch: number }>().exec();
        return found?.epoch === epoch ? { frameworkId: found.frameworkId ?? null } : 'fenced';
      }),
    save: (name, frameworkId, epoch) => attempt('save framework id', () => write(name, { frameworkId, epoch })),
    clear: (name, epoch) => attempt('clear framework id', () => write(name, { frameworkId: null, epoch })),
  };
}

interface Fields {
  readonly frameworkId?: string | null;
  readonly epoch: number;
}
