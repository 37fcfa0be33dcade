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
import { askerOf } from './asker.ts';
import { actorOf } from './caller.ts';
import type { CallbackSurface } from './callbacks-router.ts';

/** A tenant's: what it does is about itself, whatever it names. */
export function tenantSurface(gate: RequestHandler, audit: Audit): CallbackSurface {
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
    audited(request, response, what, act) {
      const { tenantId, by } = askerOf(response);
      return audit(actorOf(request, response, by), { ...what, tenantId }, act);
    },
  };
}

export function operatorSurface(gate: RequestHandler, audit: Audit): CallbackSurface {
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
