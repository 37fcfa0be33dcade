import { expect, test } from '@jest/globals';
import { amqpUrlProblem } from './amqp-url.ts';

test('a broker has one host', () => {
  expect(amqpUrlProblem('amqp://a:5672,b:5672')).toBe('does not name one host');
});

test('an option that the client would pass over is told', () => {
  expect(amqpUrlProblem('amqp://mq/?heartbeat=5&bogus=1')).toMatch(
    /^option bogus is not supported \(there are heartbeat,/,
  );
  expect(amqpUrlProblem('amqps://u:p@mq:5671/vhost?heartbeat=5')).toBeNull();
});
