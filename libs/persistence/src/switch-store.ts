import { nativeDb, type MongoConnection } from './connection.ts';
import { attempt, isDuplicateKey } from './mongo-failure.ts';

/** A switch of the operator's that is on. */
export interface Switch {
  readonly name: string;
  readonly reason: string;
  /** The id of the key that gave the reason, or `bootstrap`. */
  readonly by: string;
  /** When it was turned on. */
  readonly since: Date;
  /** When the reason was given. */
  readonly changedAt: Date;
}

/**
 * The operator's switches: a document for each that is on, and none for one that is off. Each change is one write, so
 * that a crash leaves a switch as it was or as it was to be, and a repeated one changes nothing more.
 *
 * Every method throws DependencyFailure when MongoDB cannot be reached.
 */
export interface SwitchStore {
  /** Those that are on, in the order of their names. */
  loadSwitches(): Promise<readonly Switch[]>;
  /** One that is on already gets the new reason, and stays on since when it was. */
  turnOn(name: string, given: Pick<Switch, 'reason' | 'by'>, atMs: number): Promise<Switch>;
  /** Whether it was on. */
  turnOff(name: string): Promise<boolean>;
}

type SwitchDocument = Omit<Switch, 'name'> & { readonly _id: string };

export function createSwitchStore(conn: MongoConnection): SwitchStore {
  const switches = nativeDb(conn.connection).collection<SwitchDocument>('switches');

  async function put(name: string, given: Pick<Switch, 'reason' | 'by'>, atMs: number): Promise<Switch> {
    const at = new Date(atMs);
    const { reason, by } = given;
    const update = { $set: { reason, by, changedAt: at }, $setOnInsert: { since: at } };
    const options = { upsert: true, returnDocument: 'after' } as const;
    const put = await switches.findOneAndUpdate({ _id: name }, update, options);
    return put === null ? { name, reason, by, since: at, changedAt: at } : asSwitch(put);
  }

  return {
    loadSwitches: () =>
      attempt('load switches', async () => {
        const found = await switches.find({}, { sort: { _id: 1 } }).toArray();
        return found.map(asSwitch);
      }),
    turnOn: (name, given, atMs) =>
      attempt('turn switch on', async () => {
        try {
          return await put(name, given, atMs);
        } catch (error: unknown) {
          // Two turned it on at once, and the other was faster: now it is there.
          if (isDuplicateKey(error)) return put(name, given, atMs);
          throw error;
        }
      }),
    turnOff: (name) =>
      attempt('turn switch off', async () => (await switches.deleteOne({ _id: name })).deletedCount === 1),
  };
}

function asSwitch({ _id, reason, by, since, changedAt }: SwitchDocument): Switch {
  return { name: _id, reason, by, since, changedAt };
}
