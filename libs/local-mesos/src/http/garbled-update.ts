import { encodeEvent, type ContentType, type TaskState, type TaskStatus } from '@juice/mesos';

/**
 * An UPDATE that is as it should be but for the state, which is one that no version of the protocol has: the name or the
 * number of it is unknown to whoever reads it. What is needed to acknowledge it is all there.
 */
export function encodeGarbledUpdate(status: TaskStatus, contentType: ContentType): Uint8Array {
  const encode = (state: TaskState): Uint8Array =>
    encodeEvent({ type: 'UPDATE', update: { status: { ...status, state } } }, contentType);
  if (contentType === 'application/json') {
    const text = Buffer.from(encode('TASK_RUNNING')).toString();
    return Buffer.from(text.replace('"state":"TASK_RUNNING"', '"state":"TASK_IN_LIMBO"'));
  }
  // Two states differ in one byte of the message: their number.
  const [bytes, other] = [encode('TASK_RUNNING'), encode('TASK_FINISHED')];
  return bytes.map((byte, at) => (byte === other[at] ? byte : 127));
}
