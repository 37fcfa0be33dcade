import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import mongoose from 'mongoose';
import { calledBack, frame, idAt, launch, run, startMs } from '../testing/sample-tasks.ts';
import { createClaiming } from './claim-lane.ts';
import type { ClaimedLane } from './claimed-lane.ts';
import { tasksOf, type TaskCollection } from './collections.ts';
import { connectMongo, type MongoConnection } from './connection.ts';
import { createSettling } from './settle-lane.ts';
import { createTaskStore } from './task-store.ts';

let mongo: LocalMongo;
let conn: MongoConnection;
beforeAll(async () => {
  mongo = await startLocalMongo({ dataDir: null });
});
afterEach(() => conn.close());
afterAll(async () => {
  await mongo.stop();
});

const ids = [idAt(1), idAt(2), idAt(3)];
const nowMs = startMs + 1000;

/** The collection; its first bulk write is carried out, and this is heard in place of the answer. */
function losing(tasks: TaskCollection, error: Error): TaskCollection {
  let isLost = false;
  const bulkWrite: TaskCollection['bulkWrite'] = async (...given) => {
    const answer = await tasks.bulkWrite(...given);
    if (isLost) return answer;
    isLost = true;
    throw error;
  };
  return Object.assign(Object.create(tasks) as TaskCollection, { bulkWrite });
}

/** Stores three running tasks, each with its state to be called back. */
async function storeLanes(database: string): Promise<TaskCollection> {
  conn = await connectMongo(`${mongo.url}/${database}`, { appName: 'test', poolSize: 2 });
  const store = createTaskStore(conn);
  await store.insertTasks(ids.map((id) => calledBack(id)));
  await store.applyTransitions(
    frame(1, 'launch'),
    ids.map((id) => launch(id, 0)),
  );
  await store.applyTransitions(
    frame(1, 'run'),
    ids.map((id) => run(id, 1, { callback: true })),
  );
  return tasksOf(conn);
}

function claimAll(tasks: TaskCollection): Promise<readonly (ClaimedLane | null)[]> {
  const claim = createClaiming(tasks);
  return Promise.all(
    ids.map((taskId) => claim({ taskId, nowMs, token: `token-${taskId}`, leaseMs: 1000, by: 'worker' })),
  );
}

const lost = new mongoose.mongo.MongoNetworkError('connection closed');

test('lanes leased by a write whose answer was lost are given to those who asked', async () => {
  const tasks = await storeLanes('claims');
  const lanes = await claimAll(losing(tasks, lost));
  expect(lanes.map((lane) => lane?.taskId)).toEqual(ids);
  await expect(claimAll(losing(tasks, new RangeError('a bug')))).rejects.toThrow(RangeError);
});

test('lanes settled by a write whose answer was lost are settled, and once', async () => {
  const tasks = await storeLanes('settling');
  const lanes = (await claimAll(tasks)).filter((lane) => lane !== null);
  const settleAll = (error: Error) => {
    const { settleDelivered } = createSettling(losing(tasks, error), 60_000);
    return Promise.all(lanes.map((lane) => settleDelivered(lane, { nowMs: nowMs + 1, leaseMs: 1000 })));
  };
  const settled = ids.map(() => ({ applied: true, superseded: [], next: null }));
  expect(await settleAll(lost)).toEqual(settled);
  expect(await tasks.countDocuments({ 'callback.state': 'idle', callbackAt: new Date(nowMs + 1) })).toBe(ids.length);
  await expect(settleAll(new RangeError('a bug'))).rejects.toThrow(RangeError);
});
