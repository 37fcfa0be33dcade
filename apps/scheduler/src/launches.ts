import type { TaskId, TaskSpec } from '@juice/contracts';
import type { Draft, FrameworkCall, Offer, TaskInfo } from '@juice/mesos';
import type { Launch, MesosCall } from '@juice/scheduling';
import { createOfferPurse } from './offer-purse.ts';
import { buildTaskInfo, wantOf } from './task-info.ts';

export type AcceptCall = Extract<MesosCall, { kind: 'accept' }>;

/** An ACCEPT as it goes on the wire (with no tasks it declines), and the launches that are not in it. */
export interface BuiltAccept {
  readonly call: Draft<FrameworkCall>;
  readonly included: readonly Launch[];
  readonly refused: readonly { readonly launch: Launch; readonly detail: string }[];
}

/**
 * Builds an ACCEPT from the specs of its tasks and the offers (at least one) as the master sent them. A task that cannot be
 * built (its spec is gone, or it wants a host port that is not offered) is left out and reported; the others go.
 */
export function buildAccept(
  accept: AcceptCall,
  offers: readonly Offer[],
  specs: ReadonlyMap<TaskId, { readonly spec: TaskSpec }>,
  frameworkId: string,
): BuiltAccept {
  const wants = accept.launches.flatMap(({ taskId }) => {
    const spec = specs.get(taskId)?.spec;
    return spec === undefined ? [] : wantOf(spec).hostPorts;
  });
  const purse = createOfferPurse(offers, new Set(wants));
  const taskInfos: Draft<TaskInfo>[] = [];
  const included: Launch[] = [];
  const refused: { launch: Launch; detail: string }[] = [];
  for (const launch of accept.launches) {
    const spec = specs.get(launch.taskId)?.spec;
    const taken = spec === undefined ? null : purse.take(wantOf(spec));
    if (spec === undefined) refused.push({ launch, detail: 'its specification could not be read' });
    else if (taken === null)
      refused.push({ launch, detail: `the offer of ${offers[0]?.hostname} does not hold its host ports` });
    else {
      included.push(launch);
      taskInfos.push(buildTaskInfo({ ...launch, agentId: accept.agentId, spec, taken }));
    }
  }
  const call: Draft<FrameworkCall> = {
    framework_id: { value: frameworkId },
    type: 'ACCEPT',
    accept: {
      offer_ids: accept.offerIds.map((value) => ({ value })),
      operations: included.length === 0 ? [] : [{ type: 'LAUNCH', launch: { task_infos: taskInfos } }],
      filters: { refuse_seconds: accept.refuseSeconds },
    },
  };
  return { call, included, refused };
}
