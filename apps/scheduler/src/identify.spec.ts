import { expect, test } from '@jest/globals';
import type { TaskId } from '@juice/contracts';
import { createLogger } from '@juice/observability';
import type { Event } from '@juice/scheduling';
import { createMemoryStore, type MemoryStore } from '../testing/memory-store.ts';
import { identifyAttempts } from './identify.ts';

const nowMs = 5;

function launchAgain(store: MemoryStore, taskId: TaskId, attempt: number): string {
  const mesosTaskId = `a_task-${taskId}-${attempt}`;
  const seq = store.table.rows.get(taskId)?.task.seq ?? 0;
  const change = {
    kind: 'launch',
    mesosTaskId,
    frameworkId: 'f',
    agentId: 'a',
    agentHost: 'h',
    agentPort: null,
    groupPlace: null,
  } as const;
  const facts = { taskId, tenantId: 'tenant', atMs: 1, message: '', reason: null, callback: false, requeue: null };
  store.table.apply([{ ...facts, expectSeq: seq, unlessKillRequested: false, status: 0, attempt, change }]);
  return mesosTaskId;
}

async function identify(store: MemoryStore, ...ids: string[]): Promise<{ pushed: Event[]; read: TaskId[] }> {
  const pushed: Event[] = [];
  const read: TaskId[] = [];
  await identifyAttempts(
    ids.map((mesosTaskId) => ({ mesosTaskId, agentId: 'agent' })),
    {
      store,
      push: (event) => pushed.push(event),
      read: (taskIds) => read.push(...taskIds),
      log: createLogger({ service: 'test', level: 'silent' }),
      now: () => nowMs,
    },
  );
  return { pushed, read };
}

test('attempts that are over are killed, live ones read, all others left alone', async () => {
  const store = createMemoryStore();
  const taskId = store.submit();
  const [first, second] = [launchAgain(store, taskId, 1), launchAgain(store, taskId, 2)];
  const strangers = [`another-${taskId}-1`, `a_task-${taskId}-3`, 'a_task-999-1', 'not-ours', ''];
  const { pushed, read } = await identify(store, first, second, ...strangers);
  expect(pushed).toEqual([{ kind: 'attempt.identified', atMs: nowMs, mesosTaskId: first, agentId: 'agent' }]);
  expect(read).toEqual([taskId]);
});

test('the last attempt of a task that has ended is over too', async () => {
  const store = createMemoryStore();
  const taskId = store.submit();
  const only = launchAgain(store, taskId, 1);
  const row = store.table.rows.get(taskId);
  if (row !== undefined) row.ended = true;
  const { pushed, read } = await identify(store, only);
  expect(pushed).toMatchObject([{ kind: 'attempt.identified', mesosTaskId: only }]);
  expect(read).toEqual([]);
});
