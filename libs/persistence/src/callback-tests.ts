import type { CallbackTestAnswer } from '@juice/contracts';
import { nativeDb, type MongoConnection } from './connection.ts';
import { attempt } from './mongo-failure.ts';

/** Something to be sent to a receiver, to see whether it is taken. */
export interface CallbackTest {
  readonly testId: string;
  readonly tenantId: string;
  readonly url: string;
  readonly askedAtMs: number;
}

/**
 * Tests of receivers, asked for by the api and made by the callback workers: from where callbacks come, with what they are signed
 * with. They are worth something while somebody waits for the answer, and are removed minutes later.
 *
 * Every method throws DependencyFailure when MongoDB cannot be reached.
 */
export interface CallbackTests {
  askTest(test: CallbackTest): Promise<void>;
  /** One that was asked for at `sinceMs` or later, the oldest first; no other worker gets it. null: there is none. */
  takeTest(sinceMs: number): Promise<CallbackTest | null>;
  tellTest(testId: string, result: CallbackTestAnswer): Promise<void>;
  /** null: nobody has told yet. */
  readTest(testId: string): Promise<CallbackTestAnswer | null>;
  /** How many of a tenant's were asked for at that instant or later, and are not told. */
  countOpenTests(tenantId: string, sinceMs: number): Promise<number>;
}

interface TestDocument {
  readonly _id: string;
  readonly tenantId: string;
  readonly url: string;
  readonly askedAt: Date;
  /** Until a worker has taken it. */
  readonly openAt?: Date;
  readonly result?: CallbackTestAnswer;
  readonly purgeAt: Date;
}

/** Nobody waits longer than a minute. */
const retentionMs = 600_000;

export function createCallbackTests(conn: MongoConnection): CallbackTests {
  const tests = nativeDb(conn.connection).collection<TestDocument>('callback_tests');
  return {
    askTest: ({ testId, tenantId, url, askedAtMs }) =>
      attempt('ask for a test', async () => {
        const askedAt = new Date(askedAtMs);
        const purgeAt = new Date(askedAtMs + retentionMs);
        await tests.insertOne({ _id: testId, tenantId, url, askedAt, openAt: askedAt, purgeAt });
      }),
    takeTest: (sinceMs) =>
      attempt('take test', async () => {
        const taken = await tests.findOneAndUpdate(
          { openAt: { $gte: new Date(sinceMs) } },
          { $unset: { openAt: '' } },
          { sort: { openAt: 1 } },
        );
        if (taken === null) return null;
        const { _id, tenantId, url, askedAt } = taken;
        return { testId: _id, tenantId, url, askedAtMs: askedAt.getTime() };
      }),
    tellTest: (testId, result) =>
      attempt('tell test', async () => {
        await tests.updateOne({ _id: testId }, { $set: { result } });
      }),
    readTest: (testId) => attempt('read test', async () => (await tests.findOne({ _id: testId }))?.result ?? null),
    countOpenTests: (tenantId, sinceMs) =>
      attempt('count open tests', () =>
        tests.countDocuments({ tenantId, askedAt: { $gte: new Date(sinceMs) }, result: { $exists: false } }),
      ),
  };
}
