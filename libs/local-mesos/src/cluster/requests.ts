import type { ReceivedCall } from '@juice/mesos';
import { accept, decline, kill } from './accepting.ts';
import { revive, suppress } from './allocator.ts';
import { checkCall } from './call-check.ts';
import type { ClusterState, Framework } from './cluster-state.ts';
import { removeFramework, subscribe, updateFramework } from './frameworks.ts';
import { answerInverseOffers } from './inverse-offers.ts';
import { reconcile } from './reconciliation.ts';
import { acknowledge } from './update-stream.ts';

export interface MasterRequest {
  readonly call: ReceivedCall;
  /** The Mesos-Stream-Id header. */
  readonly streamId: string | null;
  /** Whether the Accept header allows one of the two stream formats. */
  readonly acceptable: boolean;
  /** Who authenticated, where the master asks for it. */
  readonly principal: string | null;
  readonly newStreamId: string;
}

export type MasterAnswer =
  | { readonly kind: 'stream'; readonly streamId: string }
  | { readonly kind: 'plain'; readonly status: number; readonly body: string };

/** The checks of a request in the master's order; what passes them all is done. */
export function answerRequest(state: ClusterState, request: MasterRequest): MasterAnswer {
  const { call, streamId, acceptable } = request;
  if (state.recovering) return plain(503, 'Master has not finished recovery');
  const problem = checkCall(call) ?? checkPrincipal(request);
  if (problem !== null) return plain(400, `Failed to validate scheduler::Call: ${problem}`);
  if ((call.type === 'SUBSCRIBE' || call.type === 'RECONCILE_OPERATIONS') && !acceptable) {
    return plain(406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'");
  }
  if (call.type === 'SUBSCRIBE' && call.subscribe !== undefined) {
    if (streamId !== null) return plain(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header");
    subscribe(state, call.subscribe, request.newStreamId);
    return { kind: 'stream', streamId: request.newStreamId };
  }
  const framework = state.frameworks.get(call.framework_id?.value ?? '');
  if (framework === undefined) return plain(400, 'Framework cannot be found');
  return checkSubscribed(framework, request) ?? obey(state, framework, call);
}

function checkPrincipal({ call, principal }: MasterRequest): string | null {
  const claimed = call.subscribe?.framework_info.principal;
  if (call.type !== 'SUBSCRIBE' || principal === null || claimed === undefined || claimed === principal) return null;
  return `Authenticated principal '${principal}' does not match principal '${claimed}' set in \`FrameworkInfo\``;
}

function checkSubscribed(framework: Framework, { principal, streamId }: MasterRequest): MasterAnswer | null {
  const owner = framework.info.principal;
  if (principal !== null && owner !== undefined && owner !== principal) {
    return plain(
      400,
      `Authenticated principal '${principal}' does not match principal '${owner}' set in \`FrameworkInfo\``,
    );
  }
  if (framework.streamId === null) return plain(403, 'Framework is not subscribed');
  if (streamId === null) return plain(400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header");
  if (streamId === framework.streamId) return null;
  return plain(
    400,
    `The stream ID '${streamId}' included in this request didn't match the stream ID currently associated with framework ID ${framework.id}`,
  );
}

function plain(status: number, body: string): MasterAnswer {
  return { kind: 'plain', status, body };
}

/** Calls that a stand-in without operations or executors of the framework's own has no use for end as 202. */
function obey(state: ClusterState, framework: Framework, call: ReceivedCall): MasterAnswer {
  switch (call.type) {
    case 'TEARDOWN':
      removeFramework(state, framework);
      break;
    case 'ACCEPT':
      if (call.accept !== undefined) accept(state, framework, call.accept);
      break;
    case 'DECLINE':
      if (call.decline !== undefined) decline(state, framework, call.decline);
      break;
    case 'ACCEPT_INVERSE_OFFERS':
      if (call.accept_inverse_offers !== undefined) answerInverseOffers(state, framework, call.accept_inverse_offers);
      break;
    case 'DECLINE_INVERSE_OFFERS':
      if (call.decline_inverse_offers !== undefined) answerInverseOffers(state, framework, call.decline_inverse_offers);
      break;
    case 'REVIVE':
      revive(state, framework, call.revive?.roles ?? []);
      break;
    case 'SUPPRESS':
      suppress(framework, call.suppress?.roles ?? []);
      break;
    case 'KILL':
      if (call.kill !== undefined) kill(state, framework, call.kill);
      break;
    case 'ACKNOWLEDGE':
      if (call.acknowledge !== undefined) acknowledge(state, framework.id, call.acknowledge);
      break;
    case 'RECONCILE':
      reconcile(state, framework, call.reconcile?.tasks ?? []);
      break;
    case 'UPDATE_FRAMEWORK': {
      const problem = call.update_framework && updateFramework(state, framework, call.update_framework);
      return problem ? plain(400, problem) : plain(200, '');
    }
    case 'UNKNOWN':
      return plain(501, '');
    default:
      break;
  }
  return plain(202, '');
}
