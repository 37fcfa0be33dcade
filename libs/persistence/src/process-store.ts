import type { ServiceProcess } from '@juice/contracts';
import { nativeDb, type MongoConnection } from './connection.ts';
import { attempt } from './mongo-failure.ts';

export interface SeenProcess extends ServiceProcess {
  /** When it last noted that it runs. */
  readonly seenAt: Date;
}

/**
 * The processes that run: each notes itself again and again, and is forgotten when it has not done so for a while (its index
 * says how long). When one was seen is by the database's clock, and which ones were seen lately goes by the last that was: one
 * whose own clock is wrong must not be hidden by that.
 *
 * Every method throws DependencyFailure when MongoDB cannot be reached.
 */
export interface ProcessStore {
  /** It runs just now. */
  noteProcess(process: ServiceProcess): Promise<void>;
  /** It has ended; no failure when it is not there. */
  removeProcess(id: string): Promise<void>;
  /** Those seen within a time before the last one was, by service, host and start: the first so many, and how many there are in all. */
  findProcesses(withinMs: number, limit: number): Promise<{ count: number; processes: readonly SeenProcess[] }>;
}

type ProcessDocument = Omit<SeenProcess, 'id'> & { readonly _id: string };

export function createProcessStore(conn: MongoConnection): ProcessStore {
  const processes = nativeDb(conn.connection).collection<ProcessDocument>('processes');
  return {
    noteProcess: ({ id, ...facts }) =>
      attempt('note process', async () => {
        await processes.updateOne({ _id: id }, { $set: facts, $currentDate: { seenAt: true } }, { upsert: true });
      }),
    removeProcess: (id) =>
      attempt('remove process', async () => {
        await processes.deleteOne({ _id: id });
      }),
    findProcesses: (withinMs, limit) =>
      attempt('find processes', async () => {
        const last = await processes.findOne({}, { sort: { seenAt: -1 }, projection: { seenAt: 1 } });
        if (last === null) return { count: 0, processes: [] };
        const seenLately = { seenAt: { $gt: new Date(last.seenAt.getTime() - withinMs) } };
        const sort = { service: 1, host: 1, since: 1, _id: 1 } as const;
        const [count, found] = await Promise.all([
          processes.countDocuments(seenLately),
          processes.find(seenLately, { sort, limit }).toArray(),
        ]);
        return { count, processes: found.map(({ _id, ...facts }) => ({ id: _id, ...facts })) };
      }),
  };
}
