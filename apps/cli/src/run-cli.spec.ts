import { describe, expect, test } from '@jest/globals';
import { productVersion, TaskState } from '@juice/contracts';
import { statusOfTask } from './exit-status.ts';
import { tell, tellAll } from './output.ts';
import { runCli } from './run-cli.ts';

/** Nobody listens there; what does not ask anybody is told all the same. */
const nowhere = { JUICE_URL: 'http://127.0.0.1:9', JUICE_TENANT: 'acme' };

async function run(argv: readonly string[], env: Readonly<Record<string, string>> = nowhere) {
  const said: string[] = [];
  const complained: string[] = [];
  const status = await runCli(argv, {
    env,
    say: (line) => void said.push(line),
    write: (text) => void said.push(text),
    complain: (line) => void complained.push(line),
    readText: (path) => (path === 'list.json' ? Promise.resolve('[]') : Promise.reject(new Error(`no file ${path}`))),
  });
  return { status, said: said.join('\n'), complained: complained.join('\n') };
}

const commands = [
  ...[
    'submit',
    'get',
    'list',
    'why',
    'kill',
    'wait',
    'rerun',
    'logs',
    'events',
    'callbacks',
    'reconcile',
    'whoami',
    'usage',
  ],
];
const deliveries = [
  ...['dead', 'show', 'explain', 'replay', 'pause', 'resume', 'endpoints', 'test'].map((name) => `callbacks ${name}`),
  ...['list', 'show', 'pause', 'resume', 'cancel'].map((name) => `replays ${name}`),
];
const operators = [
  'tenants',
  'tenants set',
  'keys',
  'keys create',
  'keys rotate',
  'keys revoke',
  'secrets list',
  'secrets rotate',
  'secrets remove',
  'queue',
  'audit',
  'poison',
  'poison redrive',
  'status',
  'switches',
  'switches set',
];

describe('help', () => {
  test('of the whole has every command, the environment and the exit status', async () => {
    const { status, said } = await run(['--help']);
    expect(status).toBe(0);
    for (const name of [...commands, 'tenants', 'keys', 'queue', 'audit'])
      expect(said).toMatch(new RegExp(`^  ${name} `, 'm'));
    for (const word of ['JUICE_URL', 'JUICE_ADMIN_KEY', '124', '103']) expect(said).toContain(word);
  });

  test.each([...commands, ...deliveries, ...operators])('of %s is there', async (name) => {
    const { status, said } = await run([...name.split(' '), '--help']);
    expect(status).toBe(0);
    expect(said).toContain(`Usage: juice ${name}`);
  });
});

test('--version tells the product’s', async () => {
  expect(await run(['--version'])).toEqual({ status: 0, said: productVersion, complained: '' });
});

describe('wrong usage ends with 64 and says what would be right', () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[], 'Usage: juice'],
    [['sumbit'], 'Did you mean submit?'],
    [['get'], "missing required argument 'id'"],
    [['get', '12a'], 'must be the id of a task: a positive 64-bit integer.'],
    [['list', '--after', 'yesterday'], 'must be an instant, such as 2026-01-31T00:00:00Z.'],
    [['list', '--limit', '0'], '--limit must be at least 1'],
    [['list', '--nosuch'], "unknown option '--nosuch'"],
    [['secrets', 'list'], "required option '--of <tenant>'"],
    [['kill'], 'say which tasks'],
    [['logs', '1', '--offset', 'x'], 'must be'],
    [['events', '--from', 'yesterday'], 'start, now'],
    [['kill', '1', '--all'], 'say which tasks'],
    [['kill', '1', '--dry-run'], '--dry-run goes with options that choose tasks'],
    [['submit'], 'say what to run'],
    [['submit', '--cpu', 'two'], 'must be a number from 0 on, such as 0.5.'],
    [['submit', '-e', 'A'], 'must be name=value.'],
    [['submit', '-f', 'none.json'], '--file cannot be read: no file none.json'],
    [['submit', '-f', 'list.json'], '--file must hold one JSON object'],
    [['callbacks', '12a'], 'must be the id of a task'],
    [['callbacks', 'explain', '1_2_3'], 'must be a webhook-id (<task>_<sequence>), or the id of a task.'],
    [['callbacks', 'replay', '--reason', 'r'], 'say which, in one way'],
    [['callbacks', 'replay', '1', '--all', '--reason', 'r'], 'say which, in one way'],
    [['callbacks', 'replay', '--cause', 'a', '--group', 'b', '--reason', 'r'], 'say which, in one way'],
    [['callbacks', 'replay', '--all'], 'say why, with --reason'],
    [['callbacks', 'dead', '--of', 'acme'], '--of goes with --admin'],
    [['callbacks', 'dead', '--groups', '--group', 'a'], 'do not go together'],
    [['callbacks', 'dead', '--limit', '0'], '--limit must be at least 1'],
    [['callbacks', 'dead', '--admin'], 'set JUICE_ADMIN_KEY'],
    [['replays', 'pause'], "missing required argument 'replay'"],
    [['poison'], 'set JUICE_ADMIN_KEY'],
    [['usage', '--of', 'acme'], 'set JUICE_ADMIN_KEY'],
    [['usage', '--from', '2026-01-32'], 'must be a day, such as 2026-01-31.'],
    [['keys', 'list'], 'set JUICE_ADMIN_KEY'],
    [['tenants', 'set', 'acme', '[]'], 'must be a JSON object.'],
    [['get', '1', '--url', 'x'], 'must be an http or https URL, not "x"'],
    [['get', '1', '--url', 'ftp://x'], 'must be an http or https URL, not "ftp://x"'],
    [['get', '1', '--tenant', 'é€'], `must be a tenant's name, not "é€"`],
  ];
  test.each(cases)('%j', async (argv, what) => {
    const { status, said, complained } = await run(argv);
    expect(complained).toContain(what);
    expect({ status, said }).toEqual({ status: 64, said: '' });
  });

  test('without a tenant', async () => {
    expect(await run(['get', '1'], {})).toMatchObject({
      status: 64,
      complained: expect.stringContaining('JUICE_TENANT'),
    });
  });

  test('an operator who does not say whose endpoint is meant', async () => {
    const asked = await run(['callbacks', 'pause', 'https://a.example', '--admin'], { JUICE_ADMIN_KEY: 'x' });
    expect(asked).toMatchObject({ status: 64, complained: expect.stringContaining('--of <tenant>') });
  });

  test('with a key of nobody in particular', async () => {
    const asked = await run(['keys', 'create'], { JUICE_ADMIN_KEY: 'x' });
    expect(asked).toMatchObject({ status: 64, complained: expect.stringContaining('--of <tenant>, or --admin') });
  });
});

test('a program that waits ends like the task, and never with 0 when that has not finished', () => {
  expect(statusOfTask({ taskStatus: TaskState.FINISHED, exitCode: 0 })).toBe(0);
  expect(statusOfTask({ taskStatus: TaskState.FAILED, exitCode: 3 })).toBe(3);
  expect(statusOfTask({ taskStatus: TaskState.KILLED, exitCode: 0 })).toBe(106);
  expect(statusOfTask({ taskStatus: TaskState.FAILED, exitCode: 256 })).toBe(103);
  expect(statusOfTask({ taskStatus: TaskState.EXPIRED })).toBe(112);
});

describe('output', () => {
  test('is in columns, and a line for each in JSON, ids exact', () => {
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const things = [{ id: 806769905152840693n, name: 'a' }, { id: 2n }];
    const columns = { id: ({ id }: { id: bigint }) => id, name: ({ name }: { name?: string }) => name };
    tellAll<{ id: bigint; name?: string }>({ isJson: false, say }, things, columns);
    tellAll<{ id: bigint; name?: string }>({ isJson: true, say }, things, columns);
    expect(lines).toEqual([
      'ID                  NAME',
      '806769905152840693  a',
      '2                   –',
      '{"id":806769905152840693,"name":"a"}',
      '{"id":2}',
    ]);
  });

  test('lets nobody else’s text write on the terminal', () => {
    const lines: string[] = [];
    tell({ isJson: false, say: (line) => void lines.push(line) }, { message: 'a\u001b[2J\nb\u202e' });
    expect(lines).toEqual(['message  a�[2J�b�']);
  });
});
