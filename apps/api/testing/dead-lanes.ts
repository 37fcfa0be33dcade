import type { TaskId } from '@juice/contracts';
import type { CallbackStores, NewTask } from '@juice/persistence';
import {
  createMemoryCallbackTests,
  createMemoryEndpoints,
  createMemoryLanes,
  createMemoryReplays,
} from '@juice/persistence/testing';
import { seedInstantMs } from './api-fixture.ts';

/** Lanes that were given up, for the routes of callbacks to find; and who is asked to test receivers here does not answer. */
export function createDeadLanes() {
  const lanes = createMemoryLanes();
  const endpoints = createMemoryEndpoints();
  const callbacks: CallbackStores = {
    deadLetters: lanes.deadLetters,
    replays: createMemoryReplays(),
    endpoints: endpoints.store,
    tests: createMemoryCallbackTests(),
    findLane: lanes.findLane,
  };

  /** A task that has ended, whose callback was given up. */
  async function die(
    taskId: TaskId,
    given: { tenantId?: string; url?: string; reason?: string; atMs?: number } = {},
  ): Promise<void> {
    const {
      tenantId = 'acme',
      url = 'https://acme.example/hook',
      reason = 'status-503',
      atMs = seedInstantMs - 1000,
    } = given;
    await lanes.tasks.insertTasks([{ ...taskOf(taskId, tenantId), spec: specOf(url) } as unknown as NewTask]);
    await lanes.tasks.requestKill(tenantId, taskId, atMs);
    const claim = { nowMs: atMs, token: `${taskId}`, leaseMs: 1000, by: 'worker-1' };
    const lane = await lanes.deliveries.claim(taskId, claim);
    if (lane === null) throw new Error('the lane could not be claimed');
    await lanes.deliveries.settleDead(lane, { nowMs: atMs, reason, isTried: true });
  }

  return { lanes, callbacks, die };
}

/** Above 2^53. */
export function idOf(n: number): TaskId {
  return (806_769_905_152_840_000n + BigInt(n)) as TaskId;
}

function taskOf(taskId: TaskId, tenantId: string): Omit<NewTask, 'spec'> {
  const submitAtMs = seedInstantMs - 10_000;
  return { taskId, tenantId, submitAtMs, expireAtMs: seedInstantMs + 86_400_000, traceparent: null };
}

function specOf(callbackUrl: string) {
  return { taskName: 'night-1', callbackUrl, callbackEvents: 'all' };
}
