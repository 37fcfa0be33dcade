import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { describeWithRabbit } from '@juice/messaging/testing';

const program = join(import.meta.dirname, '../../../../dist/apps/e2e/main.js');

/**
 * `npm run chaos`, for as long as a test may take: all its parts are processes of its own, a RabbitMQ among them. The seed has
 * each kind of fault: schedulers and an api killed, a scheduler stopped past its lease, RabbitMQ and the store restarted.
 */
describeWithRabbit('chaos over all services', () => {
  test('loses no accepted task, runs no attempt twice and calls every end back, in order', async () => {
    const child = spawn(process.execPath, [program, '--minutes', '0.6', '--seed', '15'], {
      cwd: join(import.meta.dirname, '../../../..'),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
    const [code] = (await once(child, 'close')) as [number | null];
    // All it said, where it fails: what was broken, and the folder in which its findings are.
    expect([code, said]).toEqual([0, said]);
    for (const what of ['processes killed -9', 'stopped past their lease', 'broker killed', 'store killed']) {
      expect(said).toMatch(new RegExp(`${what}.* [1-9]\\d*$`, 'm'));
    }
    expect(said).toMatch(/tasks accepted +\d{2,}$/m);
  }, 360_000);
});
