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
  /**
   * Asks for one, unless as many as `most` of the tenant's were asked for at `sinceMs` or later and are not told: then false. However
   * many ask at once, no more are made; of those that ask at the same moment at the bound all may be refused.
   */
  askTest(test: CallbackTest, bound: { readonly most: number; readonly sinceMs: number }): Promise<boolean>;
  /** One that was asked for at `sinceMs` or later, the oldest first; no other worker gets it. null: there is none. */
  takeTest(sinceMs: number): Promise<CallbackTest | null>;
  tellTest(testId: string, result: CallbackTestAnswer): Promise<void>;
  readTest(testId: string): Promise<TestStanding>;
  /** Nobody waits for it any more: no worker takes it. false: one has taken it, or there is none such. */
  withdrawTest(testId: string): Promise<boolean>;
}

export interface TestStanding {
  /** A worker is at it, or has told. */
  readonly isTaken: boolean;
  /** null: nobody has told yet. */
  readonly result: CallbackTestAnswer | null;
}

/**
 * Workers, which look twice a second, take none that was asked for longer ago, and who asked waits no longer for one to take it: a
 * receiver is not called for nobody.
 */
export const testTakenWithinMs = 10_000;

interface TestDocument {
  readonly _id: string;
  readonly tenantId: string;
  readonly url: string;
  readonly askedAt: Date;
  /** From when it may be taken until it is. */
  readonly openAt?: Date;
  readonly isTaken?: true;
  readonly result?: CallbackTestAnswer;
  readonly purgeAt: Date;
}

/** Nobody waits longer than a minute. */
const retentionMs = 600_000;

export function createCallbackTests(conn: MongoConnection): CallbackTests {
  const tests = nativeDb(conn.connection).collection<TestDocument>('callback_tests');
  return {
    askTest: ({ testId, tenantId, url, askedAtMs }, { most, sinceMs }) =>
      attempt('ask for a test', async () => {
        const askedAt = new Date(askedAtMs);
        const purgeAt = new Date(askedAtMs + retentionMs);
        // Counted when it is there itself, and open to workers only then: a crash in between leaves one that nobody takes.
        await tests.insertOne({ _id: testId, tenantId, url, askedAt, purgeAt });
        const underWay = { tenantId, askedAt: { $gte: new Date(sinceMs) }, result: { $exists: false } };
        const isWithin = (await tests.countDocuments(underWay, { limit: most + 1 })) <= most;
        if (isWithin) await tests.updateOne({ _id: testId }, { $set: { openAt: askedAt } });
        else await tests.deleteOne({ _id: testId });
        return isWithin;
      }),
    takeTest: (sinceMs) =>
      attempt('take test', async () => {
        const taken = await tests.findOneAndUpdate(
          { openAt: { $gte: new Date(sinceMs) } },
          { $unset: { openAt: '' }, $set: { isTaken: true } },
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
    readTest: (testId) =>
      attempt('read test', async () => {
        const found = await tests.findOne({ _id: testId });
        const result = found?.result ?? null;
        return { isTaken: result !== null || found?.isTaken === true, result };
      }),
    withdrawTest: (testId) =>
      attempt('withdraw test', async () => {
        const { deletedCount } = await tests.deleteOne({ _id: testId, openAt: { $exists: true } });
        return deletedCount === 1;
      }),
  };
}
