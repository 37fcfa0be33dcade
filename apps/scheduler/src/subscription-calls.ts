import type { MesosCall } from '@juice/scheduling';
import type { Draft, FrameworkCall } from '@juice/mesos';

/** The calls that need nothing but their own facts; ACCEPT is built from specs and offers in `launches.ts`. */
export function toWireCall(call: Exclude<MesosCall, { kind: 'accept' }>, frameworkId: string): Draft<FrameworkCall> {
  const framework_id = { value: frameworkId };
  switch (call.kind) {
    case 'decline':
      return {
        framework_id,
        type: 'DECLINE',
        decline: { offer_ids: call.offerIds.map(idOf), filters: { refuse_seconds: call.refuseSeconds } },
      };
    case 'answer inverse': {
      const inverse_offer_ids = [idOf(call.inverseOfferId)];
      const answer = { inverse_offer_ids, filters: { refuse_seconds: call.refuseSeconds } };
      return call.accept
        ? { framework_id, type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: answer }
        : { framework_id, type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: answer };
    }
    case 'acknowledge':
      return {
        framework_id,
        type: 'ACKNOWLEDGE',
        acknowledge: { agent_id: idOf(call.agentId), task_id: idOf(call.mesosTaskId), uuid: call.uuid },
      };
    case 'kill':
      return {
        framework_id,
        type: 'KILL',
        kill: { task_id: idOf(call.mesosTaskId), ...(call.agentId !== null && { agent_id: idOf(call.agentId) }) },
      };
    case 'reconcile':
      return {
        framework_id,
        type: 'RECONCILE',
        reconcile: {
          tasks: call.tasks.map(({ mesosTaskId, agentId }) => ({
            task_id: idOf(mesosTaskId),
            ...(agentId !== '' && { agent_id: idOf(agentId) }),
          })),
        },
      };
    case 'revive':
      return { framework_id, type: 'REVIVE', revive: {} };
    case 'suppress':
      return { framework_id, type: 'SUPPRESS', suppress: {} };
    default:
      return call satisfies never;
  }
}

function idOf(value: string): { value: string } {
  return { value };
}
