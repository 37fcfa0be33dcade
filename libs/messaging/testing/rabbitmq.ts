import { randomBytes } from 'node:crypto';
import { connect } from 'amqplib';
import { describe, test } from '@jest/globals';
import { declareQueues, exchanges, poisonExchange } from '../src/topology.ts';

/**
 * Runs a suite against the RabbitMQ that `JUICE_TEST_AMQP_URL` names (`npm test` brings one up). Without it the suite is
 * reported as skipped, with the reason; in CI that is a failure.
 */
export function describeWithRabbit(name: string, suite: (url: string) => void): void {
  const url = process.env['JUICE_TEST_AMQP_URL'];
  if (url !== undefined && url !== '') {
    suite(url);
    return;
  }
  const reason = `${name}: JUICE_TEST_AMQP_URL is not set (npm test sets it)`;
  if (process.env['CI'] === 'true') {
    test(`${reason}, which CI requires`, () => {
      throw new Error(reason);
    });
    return;
  }
  process.stderr.write(`SKIPPED ${reason}\n`);
  describe.skip(`SKIPPED ${reason}`, () => {
    test('everything', () => undefined);
  });
}

/** Names of its own for a test, on a broker shared with others. */
export function uniquePrefix(test: string): string {
  return `test-${test}-${randomBytes(4).toString('hex')}.`;
}

/** Removes everything that was declared under a prefix. */
export async function removeTopology(url: string, prefix: string): Promise<void> {
  const model = await connect(url);
  const channel = await model.createChannel();
  for (const { queue } of declareQueues(prefix)) await channel.deleteQueue(prefix + queue);
  for (const exchange of [...exchanges, poisonExchange]) await channel.deleteExchange(prefix + exchange);
  await model.close();
}
