import { describe, expect, test } from '@jest/globals';
import type { Draft, TaskInfo } from '@juice/mesos';
import {
  agentSetup,
  createBench,
  scalars,
  task,
  type Bench,
  type BenchFramework,
} from '../../testing/clockless-framework.ts';

const running = { kind: 'running', pid: 1 } as const;
const done = { kind: 'exited', what: 'Command', exit: 0 } as const;
const terminated = { kind: 'exited', what: 'Command', exit: 'SIGTERM' } as const;

function launched(bench: Bench, ids: readonly string[], more: Draft<Partial<TaskInfo>> = {}): BenchFramework {
  const framework = bench.subscribe();
  framework.accept(ids.map((id) => ({ ...task(id), ...more })) as Draft<TaskInfo>[]);
  for (const id of ids) bench.report(id, running);
  framework.news();
  return framework;
}

describe('updates', () => {
  test('are sent again after 10 s, 20 s, … up to 10 min, and hold up those behind', () => {
    const bench = createBench();
    const framework = launched(bench, ['t']);
    const at: number[] = [];
    const start = bench.now();
    for (let seconds = 0; seconds < 3000; seconds += 10) {
      bench.pass(10_000);
      for (const update of framework.updates()) {
        expect(update).toBe('TASK_STARTING of t');
        at.push((bench.now() - start) / 1000);
      }
    }
    expect(at).toEqual([10, 30, 70, 150, 310, 630, 1230, 1830, 2430]);
    const uuids = framework.events.flatMap((event) => (event.type === 'UPDATE' ? [event.update.status.uuid] : []));
    expect(new Set(uuids).size).toBe(1);
  });

  test('the wrong acknowledgement changes nothing', () => {
    const bench = createBench();
    const framework = launched(bench, ['t']);
    const acknowledge = { uuid: 'AAAAAAAAAAAAAAAAAAAAAA==', task_id: { value: 't' }, agent_id: { value: 'A0' } };
    expect(framework.call({ type: 'ACKNOWLEDGE', acknowledge })).toBe(202);
    expect(framework.updates()).toEqual([]);
    framework.acknowledge('t');
    expect(framework.updates()).toEqual(['TASK_RUNNING of t']);
  });

  test('reconciliation tells the last update that was sent, not what is held back', () => {
    const bench = createBench();
    const framework = launched(bench, ['t']);
    bench.report('t', done);
    framework.call({ type: 'RECONCILE', reconcile: {} });
    expect(framework.updates()).toEqual(['TASK_STARTING of t']);
    framework.acknowledge('t');
    framework.call({ type: 'RECONCILE', reconcile: {} });
    expect(framework.updates()).toEqual(['TASK_RUNNING of t', 'TASK_RUNNING of t']);
  });

  test('an ended task is known until its last update is acknowledged', () => {
    const bench = createBench();
    const framework = launched(bench, ['t']);
    bench.report('t', done);
    framework.acknowledge('t');
    framework.acknowledge('t');
    const ask = (): void =>
      void framework.call({
        type: 'RECONCILE',
        reconcile: { tasks: [{ task_id: { value: 't' }, agent_id: { value: 'A0' } }] },
      });
    ask();
    framework.acknowledge('t');
    ask();
    expect(framework.updates().slice(-3)).toEqual(['TASK_FINISHED of t', 'TASK_FINISHED of t', 'TASK_GONE of t']);
    expect(bench.cluster.state.runs.size).toBe(0);
  });

  test('may come twice, or late', () => {
    const bench = createBench();
    bench.fault({ kind: 'updates.distorted', duplicate: true, delayMs: 500 });
    const framework = launched(bench, ['t']);
    bench.pass(499);
    expect(framework.updates()).toEqual([]);
    bench.pass(1);
    expect(framework.updates()).toEqual(['TASK_STARTING of t', 'TASK_STARTING of t']);
  });
});

describe('kills', () => {
  const stops = (bench: Bench): unknown[] => bench.effects.filter(({ kind }) => kind === 'stop' || kind === 'force');

  test.each([
    ['3 s without a policy', {}, {}, 3000],
    ['as the task says', { kill_policy: { grace_period: { nanoseconds: 7e9 } } }, {}, 7000],
    [
      'as the call says',
      { kill_policy: { grace_period: { nanoseconds: 7e9 } } },
      { kill_policy: { grace_period: { nanoseconds: 1e9 } } },
      1000,
    ],
  ])('leave a task %s', (_name, more, kill, graceMs) => {
    const bench = createBench();
    const framework = launched(bench, ['t'], more);
    framework.call({ type: 'KILL', kill: { task_id: { value: 't' }, ...kill } });
    expect(stops(bench)).toEqual([{ kind: 'stop', containerId: expect.any(String), graceMs }]);
    bench.pass(graceMs - 1);
    expect(stops(bench)).toHaveLength(1);
    bench.pass(1);
    expect(stops(bench)[1]).toMatchObject({ kind: 'force' });
  });

  test('a second one asks for nothing new, but may shorten the grace', () => {
    const bench = createBench();
    const framework = launched(bench, ['t']);
    const kill = (seconds: number): number =>
      framework.call({
        type: 'KILL',
        kill: { task_id: { value: 't' }, kill_policy: { grace_period: { nanoseconds: seconds * 1e9 } } },
      });
    kill(60);
    kill(90);
    kill(5);
    expect(stops(bench)).toHaveLength(1);
    bench.pass(5000);
    expect(stops(bench)[1]).toMatchObject({ kind: 'force' });
    bench.report('t', { kind: 'exited', what: 'Command', exit: 'SIGKILL' });
    bench.pass(90_000);
    expect(stops(bench)).toHaveLength(2);
  });

  test('of a task that is being started ends it before it began', () => {
    const bench = createBench();
    const framework = bench.subscribe();
    framework.accept([task('t')]);
    framework.news();
    framework.call({ type: 'KILL', kill: { task_id: { value: 't' } } });
    const [update] = framework.news();
    expect(update).toMatchObject({
      update: { status: { state: 'TASK_KILLED', reason: 'REASON_TASK_KILLED_DURING_LAUNCH' } },
    });
    expect(stops(bench)).toMatchObject([{ kind: 'force' }]);
    bench.report('t', running);
    expect(stops(bench)).toHaveLength(2);
    bench.report('t', terminated);
    framework.acknowledge('t');
    expect([bench.cluster.state.runs.size, framework.updates()]).toEqual([0, []]);
  });

  test('with the wrong agent are ignored; without KILLING for those who do not know it', () => {
    const bench = createBench();
    const framework = bench.subscribe({ framework: { capabilities: [{ type: 'MULTI_ROLE' }] } });
    framework.accept([task('t')]);
    bench.report('t', running);
    framework.acknowledge('t');
    framework.acknowledge('t');
    framework.news();
    framework.call({ type: 'KILL', kill: { task_id: { value: 't' }, agent_id: { value: 'B' } } });
    expect(stops(bench)).toEqual([]);
    framework.call({ type: 'KILL', kill: { task_id: { value: 't' } } });
    bench.report('t', terminated);
    expect(framework.updates()).toEqual(['TASK_KILLED of t']);
  });

  test('overtime is a failure, also if the task then ends well', () => {
    const bench = createBench();
    const framework = launched(bench, ['t'], { max_completion_time: { nanoseconds: 2e9 } });
    bench.pass(2000);
    expect(stops(bench)).toMatchObject([{ kind: 'stop', graceMs: 3000 }]);
    bench.report('t', done);
    for (const _of of [1, 2]) framework.acknowledge('t');
    expect(framework.events.at(-1)).toMatchObject({
      update: { status: { state: 'TASK_FAILED', reason: 'REASON_MAX_COMPLETION_TIME_REACHED' } },
    });
  });
});

describe('launches', () => {
  const error = (framework: BenchFramework): unknown => {
    const [event] = framework.news().slice(-1);
    return event?.type === 'UPDATE' ? event.update.status.message : event;
  };

  test.each<[string, Draft<Partial<TaskInfo>>, string]>([
    ['an empty id', { task_id: { value: '' } }, 'ID must not be empty'],
    ['the id ..', { task_id: { value: '..' } }, "'..' is disallowed"],
    ['a control character', { task_id: { value: 'a\nb' } }, "'a\nb' contains invalid characters"],
    ['a long id', { task_id: { value: 'x'.repeat(256) } }, 'ID must not be greater than 255 characters'],
    ['no resources', { resources: [] }, 'Task uses no resources'],
    [
      'a negative grace',
      { kill_policy: { grace_period: { nanoseconds: -1 } } },
      "Task's 'kill_policy.grace_period' must be non-negative",
    ],
    [
      'a negative limit',
      { max_completion_time: { nanoseconds: -1 } },
      "Task's `max_completion_time` must be non-negative",
    ],
    [
      'a health check of no type',
      { health_check: {} },
      "Task uses invalid health check: HealthCheck must specify 'type'",
    ],
    [
      'a variable without a value',
      { command: { value: 'true', environment: { variables: [{ name: 'A' }] } } },
      "Task's `CommandInfo` is invalid: Environment variable 'A' of type 'VALUE' must have a value set",
    ],
    [
      'a name for the container',
      { container: { type: 'DOCKER', docker: { image: 'i', parameters: [{ key: 'name', value: 'x' }] } } },
      "Task's `ContainerInfo` is invalid: Parameter in DockerInfo must not be 'name'",
    ],
    [
      'a volume from nowhere',
      { container: { type: 'DOCKER', docker: { image: 'i' }, volumes: [{ container_path: '/x', mode: 'RW' }] } },
      "Task's `ContainerInfo` is invalid: Invalid volume: Only one of them should be set: 'host_path', 'image' and 'source'",
    ],
    [
      'a limit below the request',
      { limits: { cpus: { value: 0.5 } } },
      'The cpu limit must be greater than or equal to the cpu request',
    ],
    [
      'a foreign role',
      { resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 1 }, allocation_info: { role: 'other' } }] },
      'Total resources cpus(allocated: other):1 required by task and its executor is more than available cpus(allocated: juice):4; mem(allocated: juice):1024',
    ],
    [
      'a millesimal too much',
      { resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 4.001 } }] },
      'Total resources cpus(allocated: juice):4.001 required by task and its executor is more than available cpus(allocated: juice):4; mem(allocated: juice):1024',
    ],
    [
      'revocable resources',
      { resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 1 }, revocable: {} }] },
      'Total resources cpus(allocated: juice):1 required by task and its executor is more than available cpus(allocated: juice):4; mem(allocated: juice):1024',
    ],
  ])('%s is an error of the task', (_name, more, message) => {
    const bench = createBench();
    const framework = bench.subscribe();
    framework.accept([{ ...task('t'), ...more } as Draft<TaskInfo>]);
    expect(error(framework)).toBe(message);
  });

  test('an infinite limit is one', () => {
    const bench = createBench();
    const framework = bench.subscribe();
    framework.accept([{ ...task('t'), limits: { mem: { value: 'Infinity' as unknown as number } } }]);
    expect(bench.effects.filter(({ kind }) => kind === 'launch')).toHaveLength(1);
  });

  test('several offers of one agent may be used together', () => {
    const bench = createBench();
    const framework = launched(bench, ['a', 'b']);
    for (const id of ['a', 'b']) {
      for (const _of of [1, 2]) framework.acknowledge(id);
    }
    bench.pass(6000);
    bench.report('a', done);
    bench.pass(5);
    bench.report('b', done);
    bench.pass(5);
    expect(framework.offers()).toEqual(['A0: 2, 896', 'A0: 1, 64', 'A0: 1, 64']);
    framework.accept([task('big', 'A0', scalars(4, 1024))]);
    expect(bench.effects.filter(({ kind }) => kind === 'launch')).toHaveLength(3);
  });

  test.each([
    ['none', [], 'No offers specified'],
    ['one twice', ['M-O0', 'M-O0'], 'Duplicate offer M-O0 in offer list'],
    [
      'another framework’s',
      ['M-O0', 'M-O1'],
      'Offer M-O1 has invalid framework M-0001 while framework M-0000 is expected',
    ],
  ])('with offers that are %s, tasks are dropped and good offers come again', (_name, ids, problem) => {
    const bench = createBench([agentSetup(0), agentSetup(1, scalars(2, 64, 'second'))]);
    const framework = bench.subscribe();
    bench.subscribe({ framework: { roles: ['second'] } });
    framework.news();
    const launch = { type: 'LAUNCH', launch: { task_infos: [task('t')] } };
    framework.call({ type: 'ACCEPT', accept: { offer_ids: ids.map((value) => ({ value })), operations: [launch] } });
    expect(error(framework)).toBe(`Task launched with invalid offers: ${problem}`);
    bench.pass(5);
    expect(framework.offers()).toEqual(['A0: 4, 1024']);
  });

  test('a partition-unaware framework is told LOST', () => {
    const bench = createBench();
    const framework = bench.subscribe({ framework: { capabilities: [{ type: 'MULTI_ROLE' }] } });
    const launch = { type: 'LAUNCH', launch: { task_infos: [task('t')] } };
    framework.news();
    framework.call({ type: 'ACCEPT', accept: { offer_ids: [{ value: 'x' }], operations: [launch] } });
    framework.call({
      type: 'RECONCILE',
      reconcile: { tasks: [{ task_id: { value: 'u' }, agent_id: { value: 'A0' } }] },
    });
    expect(framework.updates()).toEqual(['TASK_LOST of t', 'TASK_LOST of u']);
  });
});
