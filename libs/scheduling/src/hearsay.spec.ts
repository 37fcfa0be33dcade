import { beforeEach, describe, expect, test } from '@jest/globals';
import { TaskState, type SchedulableTask } from '@juice/contracts';
import { createCoreBench, lastWrite, type CoreBench } from '../testing/core-bench.ts';
import { defaultPolicy, type Commands, type MesosState } from './index.ts';

const { hearsayMs } = defaultPolicy;
let bench: CoreBench;

beforeEach(() => {
  bench = createCoreBench();
});

/** A task whose agent is out of reach. */
function unreachable(facts: Partial<SchedulableTask> = {}): string {
  const id = bench.launch(facts);
  bench.say(id, 'TASK_RUNNING');
  bench.say(id, 'TASK_UNREACHABLE', { uuid: null });
  return id;
}

/** The master's word when the agent is back. */
function back(id: string, word: MesosState, atMs = 30): Commands {
  const message = 'Unreachable agent re-reregistered';
  return bench.say(id, word, { reason: 'AGENT_REREGISTERED', uuid: null, message }, atMs);
}

/**
 * Of a task that ended while its agent was away the master tells the bare state; exit code, reason and message are in the
 * agent's own update, which follows. Ended by the master's word they were lost, and a failure was judged without its reason.
 */
describe('an end that the master alone has told so far', () => {
  test('waits for the agent’s own word, and is judged by it', () => {
    const id = unreachable();
    expect(back(id, 'TASK_FAILED')).toMatchObject({ persist: [], call: [] });
    const own = { message: 'Failed to launch container', reason: 'CONTAINER_LAUNCH_FAILED' };
    const out = bench.say(id, 'TASK_FAILED', own, 31);
    expect(out.persist).toEqual([
      expect.objectContaining({
        ...own,
        status: TaskState.NOT_START,
        reason: own.reason,
        message: expect.stringContaining(own.message),
        change: { kind: 'end', mesosState: 'TASK_FAILED', exitCode: null, free: true },
      }),
    ]);
    expect(out.call).toContainEqual(expect.objectContaining({ kind: 'acknowledge', uuid: 'u' }));
    expect(bench.tick(30 + hearsayMs).persist).toEqual([]);
  });

  test.each(['AGENT_REREGISTERED', 'RECONCILIATION'])('told as %s: exit code and message are the agent’s', (reason) => {
    const id = unreachable();
    expect(bench.say(id, 'TASK_FINISHED', { reason, uuid: null }, 30).persist).toEqual([]);
    // The agent tells the whole story, in order.
    expect(bench.say(id, 'TASK_RUNNING', {}, 31).persist).toEqual([
      expect.objectContaining({ status: TaskState.RUNNING }),
    ]);
    const message = 'Command exited with status 0';
    expect(bench.say(id, 'TASK_FINISHED', { message }, 32).persist).toEqual([
      expect.objectContaining({
        status: TaskState.FINISHED,
        message,
        reason: null,
        change: expect.objectContaining({ exitCode: 0 }),
      }),
    ]);
  });

  test('is the end when the agent says nothing more', () => {
    const id = unreachable();
    back(id, 'TASK_FINISHED');
    back(id, 'TASK_FINISHED', 29 + hearsayMs);
    expect(bench.tick(29 + hearsayMs).persist).toEqual([]);
    expect(bench.tick(30 + hearsayMs).persist).toEqual([
      expect.objectContaining({ status: TaskState.FINISHED, reason: 'AGENT_REREGISTERED', callback: true }),
    ]);
  });

  test.each<MesosState>(['TASK_GONE', 'TASK_LOST', 'TASK_DROPPED'])('is the end when the agent is then %s', (word) => {
    const id = unreachable();
    back(id, 'TASK_FINISHED');
    expect(bench.say(id, word, {}, 40).persist).toEqual([expect.objectContaining({ status: TaskState.FINISHED })]);
  });

  test('is the end when the framework is removed', () => {
    back(unreachable(), 'TASK_KILLED');
    const out = bench.frame({ kind: 'framework.removed', atMs: 40 });
    expect(out.persist).toEqual([expect.objectContaining({ status: TaskState.KILLED })]);
  });

  test('is asked for again by a new leader', () => {
    const id = unreachable();
    back(id, 'TASK_FINISHED');
    expect(bench.takeOver(40).call).toContainEqual({
      kind: 'reconcile',
      tasks: [{ mesosTaskId: id, agentId: 'agent-1' }],
    });
    expect(lastWrite(bench.say(id, 'TASK_FINISHED', {}, 50))).toMatchObject({ status: TaskState.FINISHED });
  });

  test('is waited for in vain where the agent’s word cannot be read: then it is the end at once', () => {
    const id = unreachable();
    back(id, 'TASK_FINISHED');
    bench.frame({ kind: 'update.quarantined', atMs: 31, mesosTaskId: id, agentId: 'agent-1', uuid: 'unread' });
    const out = back(id, 'TASK_FINISHED', 32);
    expect(out.persist).toEqual([expect.objectContaining({ status: TaskState.FINISHED })]);
    expect(out.call).toContainEqual(expect.objectContaining({ kind: 'acknowledge', uuid: 'unread' }));
  });

  test('is none where the master knows all there is to know', () => {
    const [lost, invalid] = [bench.launch({ freeFailures: 20 }), bench.launch()];
    expect(lastWrite(bench.say(lost, 'TASK_LOST', { uuid: null, reason: 'RECONCILIATION' }))?.status).toBe(
      TaskState.LOST,
    );
    expect(lastWrite(bench.say(invalid, 'TASK_ERROR', { uuid: null, reason: 'TASK_INVALID' }))?.status).toBe(
      TaskState.ERROR,
    );
  });
});
