import { beforeEach, describe, expect, test } from '@jest/globals';
import { TaskState, type SchedulableTask } from '@juice/contracts';
import { createCoreBench, lastWrite, type CoreBench } from '../testing/core-bench.ts';
import { defaultPolicy, type Commands } from './index.ts';

let world: CoreBench;

beforeEach(() => {
  world = createCoreBench();
});

describe('a time limit', () => {
  const second = 1000;

  function runFor(facts: Partial<SchedulableTask> = {}): { id: string; overdueMs: number } {
    const id = world.launch({ maxRunMs: 60 * second, ...facts });
    world.say(id, 'TASK_STARTING', {}, 50);
    world.say(id, 'TASK_RUNNING', {}, 100);
    return { id, overdueMs: 100 + 60 * second + defaultPolicy.overrunMarginMs };
  }

  const kills = (out: Commands): number => out.call.filter(({ kind }) => kind === 'kill').length;

  test('is enforced where the agent does not, a margin later, again and again until the attempt ends', () => {
    const { id, overdueMs } = runFor();
    expect(kills(world.tick(overdueMs - 1))).toBe(0);
    expect(kills(world.tick(overdueMs))).toBe(1);
    expect(kills(world.tick(overdueMs + 1))).toBe(0);
    expect(kills(world.tick(overdueMs + defaultPolicy.askAgainMs))).toBe(1);
    expect(
      lastWrite(world.say(id, 'TASK_KILLED', { message: 'Command terminated' }, overdueMs + 20 * second)),
    ).toMatchObject({
      status: TaskState.FAILED,
      reason: 'MAX_COMPLETION_TIME_REACHED',
      message: 'killed: it ran longer than its limit of 60 seconds',
    });
  });

  test('is a failure of the task’s own: it uses up a retry', () => {
    const { id, overdueMs } = runFor({ retry: 1 });
    world.tick(overdueMs);
    expect(lastWrite(world.say(id, 'TASK_KILLED', {}, overdueMs + 1))).toMatchObject({
      status: TaskState.NOT_START,
      requeue: { countedFailures: 1, freeFailures: 0 },
    });
  });

  test('does not hide that the task finished, or that somebody killed it', () => {
    const finished = runFor();
    world.tick(finished.overdueMs);
    expect(lastWrite(world.say(finished.id, 'TASK_FINISHED', {}, finished.overdueMs + 1))?.status).toBe(
      TaskState.FINISHED,
    );
    const killed = runFor();
    const taskId = world.state.attempts.get(killed.id)?.taskId as SchedulableTask['taskId'];
    world.table.requestKill(taskId);
    world.frame({ kind: 'task.loaded', atMs: 200, taskId, live: world.table.load(taskId) });
    expect(lastWrite(world.say(killed.id, 'TASK_KILLED', {}, killed.overdueMs))?.status).toBe(TaskState.KILLED);
  });

  test('counts from RUNNING on, over a change of the leader', () => {
    const { id, overdueMs } = runFor();
    world.restart();
    world.frame({ kind: 'cluster.subscribed', atMs: 200, frameworkId: 'f' });
    for (const { task } of [...world.table.rows.values()]) world.frame(world.load(task, 200));
    world.frame({ kind: 'takeover.completed', atMs: 200 });
    expect(kills(world.tick(overdueMs - 1))).toBe(0);
    expect(kills(world.tick(overdueMs))).toBe(1);
    // A leader that knows of no kill hears of its effect: the kill was its predecessor's.
    expect(lastWrite(world.say(id, 'TASK_KILLED', {}, overdueMs + 1))?.status).toBe(TaskState.FAILED);
  });

  test('is none where the task names none', () => {
    runFor({ maxRunMs: 0 });
    expect(kills(world.tick(400 * 86_400 * second))).toBe(0);
  });
});
