import { expect, test } from '@jest/globals';
import { ConfigProblems } from '@juice/runtime';
import { runDoctor } from './doctor-command.ts';

async function run(...args: string[]): Promise<{ code: number; said: string; complained: string }> {
  const said: string[] = [];
  const complained: string[] = [];
  const host = {
    env: {},
    say: (line: string) => void said.push(line),
    complain: (line: string) => void complained.push(line),
  };
  return { code: await runDoctor(args, host), said: said.join('\n'), complained: complained.join('\n') };
}

test('--help tells what it does, and looks at nothing', async () => {
  expect(await run('--help')).toEqual({ code: 0, said: expect.stringContaining('npm run doctor'), complained: '' });
});

test('what is no option of it is refused, by name', async () => {
  expect(await run('--jason')).toEqual({ code: 64, said: '', complained: expect.stringContaining("'--jason'") });
});

test('an environment that cannot be used is told with all that is wrong', async () => {
  const refused = run();
  await expect(refused).rejects.toThrow(ConfigProblems);
  await expect(refused).rejects.toThrow(/JUICE_MONGO_URL: is not set[^]*JUICE_AMQP_URL: is not set/);
});
