import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from '@juice/client';
import { ErrorCode, isEndState, type TaskId, type TaskState } from '@juice/contracts';
import { describeWithRabbit } from '@juice/messaging/testing';
import { createTenant, startRabbitProcess, until, type JuiceProcess, type RabbitProcess } from '@juice/trial';
import { deadline, resources, startServiceWorld, type ServiceWorld } from './service-world.ts';

/** The store's own deadline for an operation is ten seconds: beyond three times that it is no slow machine but a hang. */
const noHangMs = 30_000;
/** A broker confirms within ten seconds or never: answers of which half come sooner have not waited for one. */
const confirmMs = 10_000;

/**
 * Two apis, each a process, on a RabbitMQ, a database and a cluster that are processes too, and what becomes of submissions
 * while one of all these is gone. Every task adds its number to a file when it runs, so that a second run would be seen.
 */
describeWithRabbit('apis in processes of their own', () => {
  let rabbitFolder: string;
  let rabbit: RabbitProcess;
  let services: ServiceWorld;
  let apis: JuiceProcess[];
  let isOver = false;

  /** What an orchestrator does: where it was, a process is again as soon as one has ended. */
  async function keepUp(service: 'api' | 'scheduler', name: string, started: (process: JuiceProcess) => void) {
    const first = await services.start(service, name);
    started(first);
    const port = new URL(first.url).port;
    const env = service === 'api' ? { JUICE_PORT: port } : {};
    const watch = (process: JuiceProcess): void =>
      void process.gone.then(async () => {
        if (isOver) return;
        const next = await services.start(service, name, env);
        started(next);
        watch(next);
      });
    watch(first);
  }

  beforeAll(async () => {
    rabbitFolder = await mkdtemp(join(tmpdir(), 'juice-rabbitmq-'));
    rabbit = await startRabbitProcess(rabbitFolder);
    services = await startServiceWorld({ amqpUrl: rabbit.url, agents: [50, 50], env: {} });
    apis = [];
    await Promise.all([
      keepUp('scheduler', 'scheduler', () => undefined),
      ...[0, 1].map((index) => keepUp('api', `api-${index}`, (process) => void (apis[index] = process))),
    ]);
  }, 120_000);

  afterAll(async () => {
    isOver = true;
    await services.close();
    await rabbit.stop();
    await rm(rabbitFolder, { recursive: true, force: true });
  }, 60_000);

  const api = (index: number): JuiceProcess => {
    const found = apis[index % apis.length];
    if (found === undefined) throw new Error('not up');
    return found;
  };
  const taskOf = (file: string, number: number) => ({
    taskName: file,
    commands: `echo ${number} >> ${join(services.folder, file)}`,
    resources,
  });
  const each = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);
  const readinessOf = async (one: JuiceProcess): Promise<unknown> =>
    (await fetch(`${one.url}/readyz`)).json().catch(() => null);

  describe('what is submitted', () => {
    test('while RabbitMQ is stopped is accepted at once, and runs to its end', async () => {
      await rabbit.stop();
      for (const one of apis) {
        const isDegraded = async () => JSON.stringify(await readinessOf(one)).includes('"broker":false');
        await until('it to know that the broker is away', isDegraded, deadline);
      }
      const tookMs: number[] = [];
      const submit = async (number: number): Promise<TaskId> => {
        const fromMs = performance.now();
        const taskId = await createTenant(api(number).url, 'e2e').submit(taskOf('no-broker', number));
        tookMs.push(performance.now() - fromMs);
        return taskId;
      };
      const ids = await Promise.all(each(40).map(submit));
      expect(tookMs.sort((a, b) => a - b)[ids.length / 2]).toBeLessThan(confirmMs);
      await rabbit.start();
      await services.allFinish(api(0), 'no-broker', ids);
      for (const one of apis) {
        const isWhole = async () => JSON.stringify(await readinessOf(one)).includes('"broker":true');
        await until('it to have the broker again', isWhole, deadline);
      }
    }, 120_000);

    test('while MongoDB is stopped is refused with 503 and Retry-After, and taken again when it is back', async () => {
      await services.mongo.kill();
      const refuse = async (number: number) => {
        const fromMs = performance.now();
        const answer = await fetch(`${api(number).url}/v1/tasks`, {
          method: 'POST',
          headers: { 'X-Tenant-Id': 'e2e', 'Content-Type': 'application/json' },
          body: JSON.stringify(taskOf('no-store', number)),
        });
        const { status, headers } = answer;
        const [retryAfter, body] = [headers.get('retry-after'), (await answer.json()) as object];
        return { status, retryAfter, body, tookMs: performance.now() - fromMs };
      };
      const refusals = await Promise.all(each(20).map(refuse));
      await services.mongo.start();
      for (const one of apis) {
        const isReady = async () => (await fetch(`${one.url}/readyz`)).ok;
        await until('it to be ready', isReady, deadline);
      }
      const submit = (number: number) => createTenant(api(number).url, 'e2e').submit(taskOf('store-is-back', number));
      const ids = await Promise.all(each(20).map(submit));
      await services.allFinish(api(0), 'store-is-back', ids);
      for (const { tookMs, ...refused } of refusals) {
        expect(refused).toEqual({
          status: 503,
          retryAfter: '5',
          body: {
            status: ErrorCode.DATA_ACCESS,
            message: expect.stringContaining('data access'),
            details: [expect.objectContaining({ member: 'request' })],
            requestId: expect.any(String),
          },
        });
        expect(tookMs).toBeLessThan(noHangMs);
      }
      expect(await services.lines('no-store')).toEqual([]);
    }, 120_000);

    test('and answered is stored and ends once, however the apis are killed meanwhile', async () => {
      const [count, atATime] = [400, 32];
      let turn = 0;
      let broken = 0;
      // A list of URLs, of which the next is taken for every request: so a request that is sent again is to another api.
      const client = createClient({
        url: 'http://juice.test',
        tenantId: 'e2e',
        retries: 30,
        fetch: (url, init) =>
          fetch((url as string).replace('http://juice.test', api(turn++).url), init).catch((error: unknown) => {
            broken += 1;
            throw error;
          }),
      });
      const answered: TaskId[] = [];
      let next = 0;
      async function submitOn(): Promise<void> {
        for (let number = next++; number < count; number = next++) {
          answered[number] = (await client.submit(taskOf('killed', number))) as TaskId;
          // In the middle of the others' submissions; the second, when the first is up again or just about to be.
          if (number === 80 || number === 240) void api(number === 80 ? 0 : 1).end('SIGKILL');
        }
      }
      await Promise.all(each(atATime).map(submitOn));
      expect(broken).toBeGreaterThan(0);
      await services.allFinish(api(0), 'killed', answered);
      const stored = await services.database
        .collection<{ taskName: string; history: { status: TaskState }[] }>('tasks')
        .find({ taskName: 'killed' })
        .toArray();
      expect(stored.map(({ _id }) => String(_id)).sort()).toEqual(answered.map(String).sort());
      const ends = stored.map(({ history }) => history.filter(({ status }) => isEndState(status)).length);
      expect(ends).toEqual(answered.map(() => 1));
    }, 120_000);
  });
});
