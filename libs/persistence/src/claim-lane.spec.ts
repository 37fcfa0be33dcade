import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import mongoose from 'mongoose';
import { calledBack, frame, idAt, launch, run, startMs } from '../testing/sample-tasks.ts';
import { createClaiming } from './claim-lane.ts';
import { tasksOf, type TaskCollection } from './collections.ts';
import { connectMongo, type MongoConnection } from './connection.ts';
import { createTaskStore } from './task-store.ts';

let mongo: LocalMongo;
let conn: MongoConnection;
beforeAll(async () => {
  mongo = await startLocalMongo({ dataDir: null });
  conn = await connectMongo(`${mongo.url}/claims`, { appName: 'test', poolSize: 2 });
});
afterAll(async () => {
  await conn.close();
  await mongo.stop();
});

const ids = [idAt(1), idAt(2), idAt(3)];
const nowMs = startMs + 1000;

/** The collection; the answer to its first bulk write is lost, and this is heard instead. */
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

test('lanes leased by a write whose answer was lost are given to those who asked', async () => {
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
  const tasks = tasksOf(conn);
  const claim = createClaiming(losing(tasks, new mongoose.mongo.MongoNetworkError('connection closed')));
  const lanes = await Promise.all(
    ids.map((taskId) => claim({ taskId, nowMs, token: `token-${taskId}`, leaseMs: 1000, by: 'worker' })),
  );
  expect(lanes.map((lane) => lane?.taskId)).toEqual(ids);
  const broken = createClaiming(losing(tasks, new RangeError('a bug')));
  const claimed = broken({ taskId: idAt(1), nowMs, token: 'other', leaseMs: 1000, by: 'worker' });
  await expect(claimed).rejects.toThrow(RangeError);
});
