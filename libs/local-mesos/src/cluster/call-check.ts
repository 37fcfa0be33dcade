import type { CallType, ReceivedCall } from '@juice/mesos';

/** The member that a call of a type must carry. REVIVE, SUPPRESS and TEARDOWN need none. */
const member: Readonly<Partial<Record<CallType, keyof ReceivedCall>>> = {
  SUBSCRIBE: 'subscribe',
  ACCEPT: 'accept',
  DECLINE: 'decline',
  ACCEPT_INVERSE_OFFERS: 'accept_inverse_offers',
  DECLINE_INVERSE_OFFERS: 'decline_inverse_offers',
  KILL: 'kill',
  SHUTDOWN: 'shutdown',
  ACKNOWLEDGE: 'acknowledge',
  ACKNOWLEDGE_OPERATION_STATUS: 'acknowledge_operation_status',
  RECONCILE: 'reconcile',
  RECONCILE_OPERATIONS: 'reconcile_operations',
  MESSAGE: 'message',
  REQUEST: 'request',
  UPDATE_FRAMEWORK: 'update_framework',
};

/** What the master says of a call that is well-formed but wrong, in its order and words; null when it is fine. */
export function checkCall(call: ReceivedCall): string | null {
  if (call.type === undefined) return "Expecting 'type' to be present";
  if (call.type !== 'SUBSCRIBE' && call.framework_id === undefined) return "Expecting 'framework_id' to be present";
  const needed = member[call.type];
  if (needed !== undefined && call[needed] === undefined) return `Expecting '${needed}' to be present`;
  switch (call.type) {
    case 'SUBSCRIBE':
      return differs(call, call.subscribe?.framework_info.id?.value, 'subscribe');
    case 'UPDATE_FRAMEWORK':
      return differs(call, call.update_framework?.framework_info.id?.value, 'update_framework');
    case 'ACKNOWLEDGE':
      return checkUuid(call.acknowledge?.uuid ?? '');
    case 'ACKNOWLEDGE_OPERATION_STATUS':
      return (
        checkUuid(call.acknowledge_operation_status?.uuid ?? '') ??
        (call.acknowledge_operation_status?.agent_id === undefined ? "Expecting 'agent_id' to be present" : null)
      );
    default:
      return null;
  }
}

/** An id that is not set equals an empty one, as in protobuf. */
function differs(call: ReceivedCall, inside: string | undefined, where: string): string | null {
  const same = (call.framework_id?.value ?? '') === (inside ?? '');
  return same ? null : `'framework_id' differs from '${where}.framework_info.id'`;
}

function checkUuid(base64: string): string | null {
  return Buffer.from(base64, 'base64').length === 16 ? null : 'Not a valid UUID';
}
