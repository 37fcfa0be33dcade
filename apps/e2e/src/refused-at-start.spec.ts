import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';

const bundles = join(import.meta.dirname, '../../../dist/apps');
const password = 'a-password-of-these-tests';
let database: LocalMongo;

beforeAll(async () => {
  database = await startLocalMongo({ dataDir: null, host: '127.0.0.1', port: 0 });
});
afterAll(() => database.stop());

// The embedded database knows no users, and so refuses all of them.
test.each(['api', 'scheduler', 'callback'])(
  '%s whose credentials the database refuses says so in its log, and ends',
  async (service) => {
    const env = {
      PATH: process.env['PATH'],
      JUICE_MONGO_URL: `mongodb://juice:${password}@${new URL(database.url).host}/juice`,
      JUICE_AMQP_URL: 'amqp://127.0.0.1:1',
      JUICE_MESOS_MASTERS: 'http://127.0.0.1:1',
      JUICE_CALLBACK_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
      JUICE_PORT: '0',
      JUICE_HEALTH_PORT: '0',
    };
    const child = spawn(process.execPath, [join(bundles, service, 'main.js')], { env, timeout: 60_000 });
    const [[code], out, error] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    const message = expect.stringMatching(/^mongodb: connect: /);
    expect(lines).toContainEqual(
      expect.objectContaining({ event: 'service.failed', error: expect.objectContaining({ message }) }),
    );
    expect({ code, error }).toEqual({ code: 1, error: '' });
    expect(out).not.toContain(password);
  },
  90_000,
);
