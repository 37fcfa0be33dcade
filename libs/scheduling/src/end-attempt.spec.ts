import { beforeEach, describe, expect, test } from '@jest/globals';
import { TaskState, type SchedulableTask, type TaskTransition } from '@juice/contracts';
import { benchOffer, createCoreBench, lastWrite, type CoreBench } from '../testing/core-bench.ts';
import type { MesosState, ObservedStatus } from './index.ts';

let world: CoreBench;

beforeEach(() => {
  world = createCoreBench();
});

describe('the end of an attempt', () => {
  const ends: [string, Partial<SchedulableTask>, MesosState, Partial<ObservedStatus>, Partial<TaskTransition>][] = [
    ['finishes', {}, 'TASK_FINISHED', { message: 'Command exited with status 0' }, { status: TaskState.FINISHED }],
    [
      'fails without a budget',
      {},
      'TASK_FAILED',
      { message: 'Command exited with status 3' },
      { status: TaskState.FAILED },
    ],
    ['fails with one: waits again', { retry: 1 }, 'TASK_FAILED', {}, { status: TaskState.NOT_START }],
    ['is lost: waits again at no cost', {}, 'TASK_LOST', { reason: 'AGENT_REMOVED' }, { status: TaskState.NOT_START }],
    ['is dropped', {}, 'TASK_DROPPED', { reason: 'INVALID_OFFERS' }, { status: TaskState.NOT_START }],
    ['is gone, free ones used up', { freeFailures: 20 }, 'TASK_GONE', {}, { status: TaskState.GONE }],
    [
      'is not launched: waits again at no cost',
      {},
      'TASK_FAILED',
      { reason: 'CONTAINER_LAUNCH_FAILED' },
      { status: TaskState.NOT_START },
    ],
    [
      'is not launched for the fourth time',
      { freeFailures: 3 },
      'TASK_FAILED',
      { reason: 'CONTAINER_LAUNCH_FAILED' },
      { status: TaskState.FAILED },
    ],
    ['is invalid: would be again', { retry: 3 }, 'TASK_ERROR', { reason: 'TASK_INVALID' }, { status: TaskState.ERROR }],
    ['is killed by its health check', {}, 'TASK_KILLED', { healthy: false }, { status: TaskState.FAILED }],
    ['is drained off its agent', {}, 'TASK_KILLED', { reason: 'AGENT_DRAINING' }, { status: TaskState.NOT_START }],
    [
      'failed, as the master told who was asked: its own failure, not the cluster’s',
      {},
      'TASK_FAILED',
      { reason: 'RECONCILIATION' },
      { status: TaskState.FAILED },
    ],
    ['ran too long', {}, 'TASK_FAILED', { reason: 'MAX_COMPLETION_TIME_REACHED' }, { status: TaskState.FAILED }],
  ];
  test.each(ends)('%s', (_name, facts, word, more, expected) => {
    const out = world.say(world.launch(facts), word, more);
    expect(lastWrite(out)).toMatchObject(expected);
    expect(out.call).toContainEqual(expect.objectContaining({ kind: 'acknowledge', uuid: 'u' }));
  });

  test('tells the exit code and whose fault it was', () => {
    expect(
      lastWrite(world.say(world.launch(), 'TASK_FAILED', { message: 'Container exited with status 137' }))?.change,
    ).toEqual({
      kind: 'end',
      mesosState: 'TASK_FAILED',
      exitCode: 137,
      free: false,
    });
  });

  test('the exit code of a fetcher is not the task’s', () => {
    const message = "Failed to launch container: Failed to fetch all URIs for container 'c': exited with status 1";
    const ended = lastWrite(world.say(world.launch(), 'TASK_FAILED', { message, reason: 'CONTAINER_LAUNCH_FAILED' }));
    expect(ended?.change).toMatchObject({ kind: 'end', exitCode: null });
  });

  test('the next attempt waits out its pause, has its own id, and says why', () => {
    const id = world.launch({ retry: 1 });
    const requeued = lastWrite(world.say(id, 'TASK_FAILED', { message: 'Command exited with status 3' }, 100));
    expect(requeued?.message).toBe('attempt 1 ended with TASK_FAILED: Command exited with status 3; attempt 2 follows');
    expect(requeued?.requeue).toEqual({ notBeforeMs: 1_100, countedFailures: 1, freeFailures: 0 });
    const offers = { kind: 'offers.received', atMs: 1_000, offers: [{ ...benchOffer, offerId: 'o2' }] } as const;
    expect(world.frame(offers).persist).toEqual([]);
    expect(world.tick(1_101).call).toContainEqual(
      expect.objectContaining({ kind: 'accept', launches: [expect.objectContaining({ mesosTaskId: 'a_task-1-2' })] }),
    );
  });

  test.each(['by the same leader', 'by the next one'])('the next attempt goes to another host, %s', (by) => {
    const id = world.launch({ retry: 1 });
    world.say(id, 'TASK_FAILED', {}, 100);
    if (by === 'by the next one') {
      world.restart();
      world.frame({ kind: 'cluster.subscribed', atMs: 200, frameworkId: 'f' });
      for (const { task } of [...world.table.rows.values()]) world.frame(world.load(task, 200));
      world.frame({ kind: 'takeover.completed', atMs: 200 });
    }
    const others = ['o2', 'o3'].map((offerId) => ({
      ...benchOffer,
      offerId,
      ...(offerId === 'o3' && { agentId: 'agent-2', hostname: 'host-2' }),
    }));
    world.frame({ kind: 'offers.received', atMs: 1_000, offers: others });
    expect(lastWrite(world.tick(1_101))?.change).toMatchObject({ kind: 'launch', agentHost: 'host-2' });
  });
});
