import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { AgentURL, ContentType, Offer, TaskStatus } from '../src/index.ts';
import { testMs, type ConformanceSession } from './conformance-session.ts';
import { smallTask, type ObservedFramework } from './observed-framework.ts';

/** What becomes of tasks: launches, updates, kills, reconciliation. */
export function describeTasks(session: ConformanceSession): void {
  describe.each<ContentType>(['application/json', 'application/x-protobuf'])('in %s', (contentType) => {
    test(
      'a task starts, runs and finishes',
      async () => {
        const framework = await session.subscribe({ contentType });
        const { subscribed } = await framework.see('SUBSCRIBED');
        expect(subscribed.heartbeat_interval_seconds).toBeGreaterThan(0);
        expect(subscribed.master_info).toMatchObject({ id: expect.any(String), address: { port: expect.any(Number) } });
        await framework.see('HEARTBEAT');

        const { id, offer } = await launchCommand(framework, 'echo hello; echo oops >&2');
        expect(offer).toMatchObject({ framework_id: { value: framework.id }, allocation_info: { role: 'juice' } });
        const statuses = await framework.follow(id, 'TASK_FINISHED');
        expect(statuses.map(({ state }) => state)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
        for (const status of statuses) {
          expect(status).toMatchObject({
            source: 'SOURCE_EXECUTOR',
            agent_id: offer.agent_id,
            executor_id: { value: id },
            timestamp: expect.any(Number),
            container_status: { container_id: { value: expect.any(String) } },
          });
          expect(Buffer.from(status.uuid ?? '', 'base64')).toHaveLength(16);
        }
        expect(statuses.at(-1)?.message).toBe('Command exited with status 0');
        // What the task took or left is offered again.
        const firstOffers = framework.events.findIndex(({ type }) => type === 'OFFERS');
        await framework.seeOffer(firstOffers + 1);
      },
      testMs,
    );
  });

  test(
    'the sandbox of a task is served by its agent',
    async () => {
      const framework = await session.subscribe();
      const { id, offer } = await launchCommand(framework, 'echo hello; echo oops >&2');
      await framework.follow(id, 'TASK_FINISHED');
      const { scheme, address } = offer.url as AgentURL;
      const agent = `${scheme}://${address.ip ?? address.hostname}:${address.port}`;
      const read = async (file: string, offset: number): Promise<unknown> => {
        const path = `/frameworks/${framework.id}/executors/${id}/runs/latest/${file}`;
        return (await fetch(`${agent}/files/read?path=${encodeURIComponent(path)}&offset=${offset}`)).json();
      };
      expect(await read('stderr', 0)).toMatchObject({ data: expect.stringContaining('oops\n') });
      expect(await read('stdout', -1)).toEqual({ data: '', offset: expect.any(Number) });
    },
    testMs,
  );

  test.each([
    ['exit 3', /^Command exited with status 3$/],
    ['no-such-program', /^Command exited with status 127$/],
    ['kill -SEGV $$', /^Command terminated with signal Segmentation fault/],
  ])(
    '%j fails, and says how in its message alone',
    async (command, message) => {
      const framework = await session.subscribe();
      const { id } = await launchCommand(framework, command);
      const last = (await framework.follow(id, 'TASK_FAILED')).at(-1);
      expect(last).toMatchObject({ source: 'SOURCE_EXECUTOR', message: expect.stringMatching(message) });
      expect(last).not.toHaveProperty('reason');
    },
    testMs,
  );

  test(
    'the next update of a task waits until the last is acknowledged',
    async () => {
      const framework = await session.subscribe();
      const { id, offer } = await launchCommand(framework, 'sleep 1000');
      const { update } = await framework.see('UPDATE', (event) => event.update.status.task_id.value === id);
      expect(update.status.state).toBe('TASK_STARTING');
      await framework.call({
        type: 'RECONCILE',
        reconcile: { tasks: [{ task_id: { value: id }, agent_id: offer.agent_id }] },
      });
      await masterAnswer(framework, id);
      const uuids = framework.events.flatMap((event) =>
        event.type === 'UPDATE' ? (event.update.status.uuid ?? []) : [],
      );
      expect(new Set(uuids)).toEqual(new Set([update.status.uuid]));
      await framework.follow(id, 'TASK_RUNNING');
    },
    testMs,
  );

  test(
    'a killed task is killing, then killed; of an unknown one the master tells what it knows',
    async () => {
      const framework = await session.subscribe();
      const { id, offer } = await launchCommand(framework, 'sleep 1000');
      await framework.follow(id, 'TASK_RUNNING');
      await framework.call({ type: 'KILL', kill: { task_id: { value: id }, agent_id: offer.agent_id } });
      const statuses = await framework.follow(id, 'TASK_KILLED');
      expect(statuses.map(({ state }) => state).slice(-2)).toEqual(['TASK_KILLING', 'TASK_KILLED']);
      expect(statuses.at(-1)?.message).toBe('Command terminated with signal Terminated');

      await framework.call({ type: 'KILL', kill: { task_id: { value: 'never-1' }, agent_id: offer.agent_id } });
      await framework.call({ type: 'KILL', kill: { task_id: { value: 'never-2' } } });
      const fromReconciliation = { source: 'SOURCE_MASTER', reason: 'REASON_RECONCILIATION' };
      expect(await masterAnswer(framework, 'never-1')).toMatchObject({ state: 'TASK_GONE', ...fromReconciliation });
      expect(await masterAnswer(framework, 'never-2')).toMatchObject({ state: 'TASK_UNKNOWN', ...fromReconciliation });
    },
    testMs,
  );

  test(
    'reconciliation answers for what is asked, or for all that runs',
    async () => {
      const framework = await session.subscribe();
      const { id, offer } = await launchCommand(framework, 'sleep 1000');
      await framework.follow(id, 'TASK_RUNNING');
      const { agent_id } = offer;
      const tasks = [
        { task_id: { value: id }, agent_id },
        { task_id: { value: 'unknown' }, agent_id },
        { task_id: { value: 'unknown-no-agent' } },
        { task_id: { value: 'unknown-bad-agent' }, agent_id: { value: 'no-agent' } },
      ];
      await framework.call({ type: 'RECONCILE', reconcile: { tasks } });
      const wanted = { source: 'SOURCE_MASTER', reason: 'REASON_RECONCILIATION' };
      expect(await masterAnswer(framework, id)).toMatchObject({
        ...wanted,
        state: 'TASK_RUNNING',
        agent_id,
        message: 'Reconciliation: Latest task state',
      });
      expect(await masterAnswer(framework, 'unknown')).toMatchObject({
        ...wanted,
        state: 'TASK_GONE',
        agent_id,
        message: 'Reconciliation: Task is unknown to the agent',
      });
      const noAgent = await masterAnswer(framework, 'unknown-no-agent');
      expect(noAgent).toMatchObject({ ...wanted, state: 'TASK_UNKNOWN', message: 'Reconciliation: Task is unknown' });
      expect(noAgent).not.toHaveProperty('agent_id');
      expect(await masterAnswer(framework, 'unknown-bad-agent')).toMatchObject({
        ...wanted,
        state: 'TASK_UNKNOWN',
        agent_id: { value: 'no-agent' },
      });

      const from = framework.events.length;
      await framework.call({ type: 'RECONCILE', reconcile: {} });
      expect(await masterAnswer(framework, id, from)).toMatchObject({ ...wanted, state: 'TASK_RUNNING' });
      const others = framework.events
        .slice(from)
        .filter((event) => event.type === 'UPDATE' && event.update.status.task_id.value !== id);
      expect(others).toEqual([]);
    },
    testMs,
  );

  test(
    'a launch on bad terms fails at the master, and alone',
    async () => {
      const framework = await session.subscribe();
      const offer = await framework.seeOffer();
      const good = smallTask(offer, `t-${randomUUID()}`, 'true');
      const { command: _, ...commandless } = smallTask(offer, 't-no-command', 'true');
      const cpus = {
        name: 'cpus',
        type: 'SCALAR',
        scalar: { value: 10_000 },
        allocation_info: { role: 'juice' },
      } as const;
      await framework.launch(offer, commandless, { ...smallTask(offer, 't-too-big', 'true'), resources: [cpus] }, good);
      const invalid = { state: 'TASK_ERROR', source: 'SOURCE_MASTER', reason: 'REASON_TASK_INVALID' };
      expect(await masterAnswer(framework, 't-no-command')).toMatchObject(invalid);
      expect(await masterAnswer(framework, 't-too-big')).toMatchObject(invalid);
      await framework.follow(good.name, 'TASK_FINISHED');

      await framework.launch(offer, smallTask(offer, 't-used-offer', 'true'));
      expect(await masterAnswer(framework, 't-used-offer')).toMatchObject({
        state: 'TASK_DROPPED',
        source: 'SOURCE_MASTER',
        reason: 'REASON_INVALID_OFFERS',
      });
    },
    testMs,
  );
}

/** Launches one command on the next offer. */
export async function launchCommand(
  framework: ObservedFramework,
  command: string,
): Promise<{ id: string; offer: Offer }> {
  const offer = await framework.seeOffer();
  const id = `t-${randomUUID()}`;
  expect(await framework.launch(offer, smallTask(offer, id, command))).toEqual({ kind: 'accepted' });
  return { id, offer };
}

/** What the master says of a task, in an update that is not to be acknowledged. */
async function masterAnswer(framework: ObservedFramework, taskId: string, from = 0): Promise<TaskStatus> {
  const isAnswer = (status: TaskStatus) => status.task_id.value === taskId && status.uuid === undefined;
  return (await framework.see('UPDATE', ({ update }) => isAnswer(update.status), from)).update.status;
}
