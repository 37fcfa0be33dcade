import type { ConfirmChannel } from 'amqplib';
import { translateAmqp } from './broker-failure.ts';

/** Does something on a channel of its own. What is not acknowledged when that closes goes back to the queue. */
export async function onChannel<T>(channel: ConfirmChannel, operation: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error: unknown) {
    throw translateAmqp(operation, error);
  } finally {
    await channel.close().catch(() => undefined);
  }
}
