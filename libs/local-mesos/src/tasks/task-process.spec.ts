import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openExecutorTrial, type ExecutorTrial } from '../../testing/executor-trial.ts';

let trial: ExecutorTrial;

beforeEach(() => {
  trial = openExecutorTrial();
});

afterEach(() => trial.close());

describe('processes', () => {
  test.each([
    ['exit 0', 0],
    ['exit 3', 3],
    ['/no/such/program', 127],
    ['kill -SEGV $$', 'SIGSEGV'],
  ])('sh -c %j ends with %j', async (value, exit) => {
    trial.launch({ command: { value } });
    expect(await trial.ended()).toEqual({ kind: 'exited', what: 'Command', exit });
    expect(trial.reports.map(({ kind }) => kind)).toEqual(['running', 'exited']);
  });

  test('arguments are passed as they are, the first being the name', async () => {
    trial.launch({
      command: { shell: false, value: '/bin/sh', arguments: ['me', '-c', 'echo "$0" "$1"', 'a b', '*'] },
    });
    await trial.ended();
    expect(trial.output()).toBe('a b *\n');
  });

  test('a program that is not there ends like a real executor that could not run it', async () => {
    trial.launch({ command: { shell: false, value: 'no-such-program-anywhere' } });
    expect(await trial.ended()).toEqual({ kind: 'exited', what: 'Command', exit: 1 });
    expect(trial.output('stderr')).toContain('Failed to execute command');
  });

  test('a task sees its own variables and what it is told of itself, and no secret of the process that runs it', async () => {
    const variables = [
      { name: 'GREETING', value: 'hi' },
      {
        name: 'TOKEN',
        type: 'SECRET',
        secret: { type: 'VALUE', value: { data: Buffer.from('s3').toString('base64') } },
      },
    ] as const;
    trial.launch({ command: { value: 'env; pwd', environment: { variables } } });
    await trial.ended();
    const lines = trial.output().split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'GREETING=hi',
        'TOKEN=s3',
        'LANG=C',
        'MESOS_TASK_ID=t',
        'MESOS_FRAMEWORK_ID=F',
        'MESOS_AGENT_ID=A',
      ]),
    );
    const sandbox = lines.at(-2);
    expect(lines).toContain(`MESOS_SANDBOX=${sandbox}`);
    expect(trial.output()).not.toContain('secret');
  });

  test('a secret by reference fails: there is nothing to look it up in', async () => {
    const variables = [
      { name: 'TOKEN', type: 'SECRET', secret: { type: 'REFERENCE', reference: { name: 'x' } } },
    ] as const;
    trial.launch({ command: { value: 'true', environment: { variables } } });
    expect(await trial.ended()).toMatchObject({ kind: 'failed', reason: 'REASON_CONTAINER_LAUNCH_FAILED' });
  });

  test('a stop reaches the whole group; a task that tidies up may end in its own way', async () => {
    const value = 'trap "echo got term; exit 0" TERM; echo ready; while true; do sleep 0.05; done';
    trial.launch({ command: { value } });
    await trial.running();
    await fileHolds('stdout', 'ready');
    trial.executor.stop('C', 5000);
    expect(await trial.ended()).toEqual({ kind: 'exited', what: 'Command', exit: 0 });
    expect(trial.output()).toContain('got term');
  });

  test('a task that does not listen is forced', async () => {
    trial.launch({ command: { value: 'trap "" TERM; echo ready; while true; do sleep 0.05; done' } });
    await trial.running();
    await fileHolds('stdout', 'ready');
    trial.executor.stop('C', 5000);
    trial.executor.force('C');
    expect(await trial.ended()).toEqual({ kind: 'exited', what: 'Command', exit: 'SIGKILL' });
  });

  test('what a task leaves running in its group ends with it', async () => {
    trial.launch({ command: { value: 'sleep 1000 & echo $!' } });
    await trial.ended();
    const pid = trial.output().trim();
    await until(() => !existsSync(`/proc/${pid}`) || / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
  });

  test('closing ends everything', async () => {
    trial.launch({ command: { value: 'sleep 1000' } });
    await trial.running();
    await trial.executor.close();
    expect(trial.reports.at(-1)).toEqual({ kind: 'exited', what: 'Command', exit: 'SIGKILL' });
  });
});

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !condition();) {
    if (Date.now() > deadline) throw new Error('it did not happen');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const fileHolds = (name: string, text: string): Promise<void> =>
  until(() => existsSync(trial.sandboxFile(name)) && trial.output(name).includes(text));
