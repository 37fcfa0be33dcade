import { describe, expect, test } from '@jest/globals';
import { agentSetup, createBench, task } from '../../testing/clockless-framework.ts';

const running = { kind: 'running', pid: 1 } as const;
const done = { kind: 'exited', what: 'Command', exit: 0 } as const;

describe('agents', () => {
  test('a launch that never reached a lost agent is denied by it when it is back', () => {
    const bench = createBench();
    const framework = bench.subscribe();
    bench.fault({ kind: 'agent.lost', index: 0, noticeAfterMs: 75_000 });
    framework.accept([task('t')]);
    expect(bench.effects.filter(({ kind }) => kind === 'launch')).toEqual([]);
    bench.pass(10_000);
    bench.fault({ kind: 'agent.returned', index: 0 });
    expect(framework.updates()).toEqual(['TASK_DROPPED of t']);
    framework.acknowledge('t');
    bench.pass(80_000);
    expect(framework.updates()).toEqual([]);
    // The rest was offered meanwhile; what the task held has come back.
    expect(framework.offers()).toEqual(['A0: 3, 960', 'A0: 1, 64']);
  });

  test('what ended while its agent was away is told when it is back; a kill is repeated', () => {
    const bench = createBench();
    const framework = bench.subscribe();
    framework.accept([task('ended'), task('wanted dead')]);
    for (const id of ['ended', 'wanted dead']) {
      bench.report(id, running);
      for (const _of of [1, 2]) framework.acknowledge(id);
    }
    bench.fault({ kind: 'agent.lost', index: 0, noticeAfterMs: 75_000 });
    bench.report('ended', done);
    framework.call({ type: 'KILL', kill: { task_id: { value: 'wanted dead' } } });
    framework.news();
    expect(bench.effects.filter(({ kind }) => kind === 'stop')).toEqual([]);
    bench.fault({ kind: 'agent.returned', index: 0 });
    expect(framework.updates()).toEqual(['TASK_FINISHED of ended', 'TASK_KILLING of wanted dead']);
    expect(bench.effects.filter(({ kind }) => kind === 'stop')).toHaveLength(1);
  });

  test('a lost agent’s offers are rescinded, acknowledgements to it lost: what was not acknowledged comes again', () => {
    const bench = createBench([agentSetup(0), agentSetup(1)]);
    const framework = bench.subscribe();
    framework.news();
    bench.fault({ kind: 'agent.lost', index: 1, noticeAfterMs: 0 });
    expect(framework.news().map(({ type }) => type)).toEqual(['RESCIND', 'FAILURE']);
    framework.accept([task('t')]);
    bench.report('t', running);
    bench.fault({ kind: 'agent.lost', index: 0, noticeAfterMs: 0 });
    framework.acknowledge('t');
    framework.news();
    bench.fault({ kind: 'agent.returned', index: 0 });
    expect(framework.updates()).toEqual(['TASK_RUNNING of t', 'TASK_STARTING of t']);
  });

  test('the id of an unreachable task cannot be used again, that of a gone one can', () => {
    const bench = createBench([agentSetup(0), agentSetup(1)]);
    const framework = bench.subscribe();
    const [first] = [...bench.cluster.state.offers.keys()];
    const launch = { type: 'LAUNCH', launch: { task_infos: [task('t')] } };
    framework.call({ type: 'ACCEPT', accept: { offer_ids: [{ value: first }], operations: [launch] } });
    bench.fault({ kind: 'agent.lost', index: 0, noticeAfterMs: 0 });
    framework.news();
    framework.accept([task('t', 'A1')]);
    expect(framework.news().at(-1)).toMatchObject({
      update: { status: { state: 'TASK_ERROR', message: 'Task reuses the ID of an unreachable task: t' } },
    });
  });

  test('an agent that is gone never comes back; what it ran is ended', () => {
    const bench = createBench();
    const framework = bench.subscribe();
    framework.accept([task('t')]);
    bench.report('t', running);
    bench.fault({ kind: 'agent.gone', index: 0 });
    bench.fault({ kind: 'agent.returned', index: 0 });
    expect(bench.effects.map(({ kind }) => kind)).toEqual(['save', 'launch', 'stop', 'save']);
    expect(bench.cluster.snapshot().agentIds).toEqual([null]);
    bench.pass(5000);
    expect(bench.effects.at(-1)).toMatchObject({ kind: 'force' });
    bench.report('t', done);
    expect(bench.cluster.state.runs.size).toBe(0);
  });

  test('a draining agent is offered to nobody until it is reactivated', () => {
    const bench = createBench();
    const framework = bench.subscribe();
    bench.fault({ kind: 'agent.drained', index: 0 });
    bench.pass(5000);
    expect(framework.offers()).toEqual([]);
    bench.fault({ kind: 'agent.reactivated', index: 0 });
    bench.pass(5);
    expect(framework.offers()).toHaveLength(1);
  });
});

describe('an update that no client can read', () => {
  const garble = (taskId: string | null) => ({ kind: 'update.garbled', taskId }) as const;

  test('is sent again as it was until it is acknowledged, and holds up those behind it', () => {
    const bench = createBench();
    const framework = bench.subscribe();
    framework.accept([task('t')]);
    bench.fault(garble('t'));
    bench.report('t', running);
    bench.pass(9_999);
    expect([framework.garbled.length, framework.updates()]).toEqual([1, []]);
    bench.pass(20_001);
    expect(framework.garbled.map(({ state, uuid }) => [state, uuid])).toEqual(
      [1, 2, 3].map(() => ['TASK_STARTING', framework.garbled[0]?.uuid]),
    );
    expect(framework.updates()).toEqual([]);
    framework.acknowledge('t');
    expect(framework.updates()).toEqual(['TASK_RUNNING of t']);
    framework.acknowledge('t');
    bench.report('t', done);
    framework.acknowledge('t');
    bench.pass(700_000);
    expect([framework.updates(), framework.garbled.length]).toEqual([['TASK_FINISHED of t'], 3]);
  });

  test('is of the task that was named, else of the next that has news; what the master says stays readable', () => {
    const bench = createBench();
    const framework = bench.subscribe();
    framework.accept([task('a'), task('b'), task('c')]);
    bench.fault(garble('c'));
    bench.fault(garble(null));
    for (const id of ['a', 'b', 'c']) bench.report(id, running);
    expect(framework.garbled.map(({ task_id }) => task_id.value)).toEqual(['a', 'c']);
    expect(framework.updates()).toEqual(['TASK_STARTING of b']);
    framework.call({ type: 'RECONCILE', reconcile: { tasks: [{ task_id: { value: 'a' } }] } });
    expect(framework.updates()).toEqual(['TASK_STARTING of a']);
  });

  test('comes to the next subscription too, late and twice where updates do', () => {
    const bench = createBench();
    const before = bench.subscribe();
    before.accept([task('t')]);
    before.leave();
    bench.fault(garble('t'));
    bench.fault({ kind: 'updates.distorted', duplicate: true, delayMs: 100 });
    bench.report('t', running);
    const framework = bench.subscribe({ id: before.id });
    expect(framework.garbled).toEqual([]);
    bench.pass(100);
    expect([before.garbled.length, framework.garbled.length, framework.updates()]).toEqual([0, 2, []]);
  });
});

describe('the master', () => {
  const restart = { kind: 'master.restarted', masterId: 'N', recoverMs: 100, agentsBackMs: 1000 } as const;

  test('an agent that does not find the new one fails without a word on its tasks', () => {
    const bench = createBench([agentSetup(0), agentSetup(1)]);
    const before = bench.subscribe();
    bench.fault({ kind: 'agent.lost', index: 1, noticeAfterMs: 75_000 });
    bench.fault(restart);
    expect(before.isOpen()).toBe(false);
    bench.pass(1100);
    const framework = bench.subscribe({ id: before.id });
    expect(framework.offers()).toEqual(['A0: 4, 1024']);
    framework.news();
    framework.call({
      type: 'RECONCILE',
      reconcile: { tasks: [{ task_id: { value: 't' }, agent_id: { value: 'A1' } }, { task_id: { value: 't' } }] },
    });
    expect(framework.updates()).toEqual([]);
    bench.pass(600_000);
    expect(framework.news().filter(({ type }) => type === 'FAILURE')).toHaveLength(1);
    framework.call({ type: 'RECONCILE', reconcile: { tasks: [{ task_id: { value: 't' } }] } });
    expect(framework.updates()).toEqual(['TASK_UNKNOWN of t']);
  });

  test('a framework known from agents alone is not subscribed, and no clock runs for it', () => {
    const bench = createBench();
    const before = bench.subscribe({ framework: { failover_timeout: 1 } });
    before.accept([task('t')]);
    bench.report('t', running);
    bench.fault(restart);
    bench.pass(10_000);
    expect(before.call({ type: 'REVIVE' })).toBe(403);
    expect(bench.subscribe({ id: before.id }).updates()).toEqual(['TASK_STARTING of t']);
  });
});

describe('frameworks', () => {
  test('one that stays away too long is removed, its tasks ended without a word', () => {
    const bench = createBench();
    const framework = bench.subscribe({ framework: { failover_timeout: 2 } });
    framework.accept([task('t')]);
    bench.report('t', running);
    framework.leave();
    bench.pass(1999);
    expect(bench.cluster.state.frameworks.size).toBe(1);
    bench.pass(1);
    expect(bench.cluster.state.frameworks.size).toBe(0);
    expect(bench.effects.map(({ kind }) => kind)).toEqual(['save', 'launch', 'stop', 'save']);
    expect(bench.subscribe({ id: framework.id }).events).toMatchObject([
      { type: 'ERROR', error: { message: 'Framework has been removed' } },
    ]);
    const other = bench.subscribe();
    expect(other.offers()).toEqual(['A0: 4, 1024']);
  });

  test('one that comes back in time is left alone by the clock it escaped', () => {
    const bench = createBench();
    const framework = bench.subscribe({ framework: { failover_timeout: 2 } });
    framework.leave();
    bench.pass(1500);
    const back = bench.subscribe({ id: framework.id, framework: { failover_timeout: 2 } });
    bench.pass(1000);
    back.leave();
    bench.pass(1500);
    expect(bench.cluster.state.frameworks.size).toBe(1);
  });

  test('heartbeats come every 15 s on the stream that lives', () => {
    const bench = createBench();
    const first = bench.subscribe();
    const second = bench.subscribe({ id: first.id });
    for (const framework of [first, second]) framework.news();
    bench.pass(31_000);
    const beats = second.news().filter(({ type }) => type === 'HEARTBEAT');
    expect([beats.length, first.news()]).toEqual([2, []]);
  });

  test.each([
    ['a changed principal', { principal: 'x' }, "Changing framework's principal is not allowed."],
    ['roles twice', { roles: ['a', 'a'] }, "'FrameworkInfo.roles' contains duplicate items: { a }"],
    [
      'a dash',
      { roles: ['-a'] },
      "'FrameworkInfo.roles' contains invalid role: Role component '-a' is invalid because it begins with a dash",
    ],
    [
      'roles without MULTI_ROLE',
      { capabilities: [] },
      "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable",
    ],
    ['an endless failover timeout', { failover_timeout: 1e300 }, 'The framework failover_timeout (1e+300) is invalid'],
  ])('%s is refused on the stream', (_name, framework, message) => {
    const bench = createBench();
    const first = bench.subscribe();
    const second = bench.subscribe({ id: first.id, framework });
    expect(second.events).toMatchObject([{ type: 'ERROR', error: { message } }]);
    expect([second.isOpen(), first.isOpen()]).toEqual([false, true]);
  });

  test('suppressing a role that is not one’s own is refused', () => {
    expect(createBench().subscribe({ suppressed: ['x'] }).events).toMatchObject([
      { type: 'ERROR', error: { message: 'Suppressed roles { x } are not contained in the set of roles' } },
    ]);
  });

  test('UPDATE_FRAMEWORK changes roles, but not the user', () => {
    const bench = createBench();
    const framework = bench.subscribe({ suppressed: ['juice'] });
    const info = { ...bench.cluster.state.frameworks.get(framework.id)?.info };
    const update = (more: object): number =>
      framework.call({ type: 'UPDATE_FRAMEWORK', update_framework: { framework_info: { ...info, ...more } } });
    expect(update({ user: 'other' })).toBe(400);
    expect(framework.offers()).toEqual([]);
    expect(update({ roles: ['juice', 'more'] })).toBe(200);
    expect(framework.offers()).toHaveLength(1);
  });
});
