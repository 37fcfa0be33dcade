import type { RequestHandler } from 'express';
import {
  adminDeadGroupsQuery,
  adminDeadQuery,
  adminEndpointsQuery,
  adminPauseEndpointRequest,
  adminReplayRequest,
  adminResumeEndpointRequest,
  adminTestCallbackRequest,
  deadGroupsQuery,
  deadQuery,
  endpointsQuery,
  pauseEndpointRequest,
  replayRequest,
  resumeEndpointRequest,
  testCallbackRequest,
} from '@juice/contracts';
import type { Audit } from './audit.ts';
import { actorOf } from './caller.ts';
import type { CallbackSurface } from './callbacks-router.ts';

/** A tenant's: who has said what to a replay or an endpoint is kept there, and the audit trail is of operators. */
export function tenantSurface(gate: RequestHandler[]): CallbackSurface {
  return {
    base: '/v1/callbacks',
    gate,
    requests: {
      dead: deadQuery,
      groups: deadGroupsQuery,
      replay: replayRequest,
      endpoints: endpointsQuery,
      pause: pauseEndpointRequest,
      resume: resumeEndpointRequest,
      test: testCallbackRequest,
    },
    audited: (_request, _response, _what, act) => act(),
  };
}

export function operatorSurface(gate: RequestHandler[], audit: Audit): CallbackSurface {
  return {
    base: '/v1/admin/callbacks',
    gate,
    requests: {
      dead: adminDeadQuery,
      groups: adminDeadGroupsQuery,
      replay: adminReplayRequest,
      endpoints: adminEndpointsQuery,
      pause: adminPauseEndpointRequest,
      resume: adminResumeEndpointRequest,
      test: adminTestCallbackRequest,
    },
    audited: (request, response, what, act) => audit(actorOf(request, response), what, act),
  };
}
