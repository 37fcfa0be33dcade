import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { asTaskId, portsNeeded, type TaskId, type TaskSpec } from '@juice/contracts';
import {
  nothingAsked,
  rightEnv,
  rightLabels,
  rightName,
  rightResources,
  rightTimes,
  rightUris,
  rightWork,
} from '@juice/contracts/testing';
import { createCluster, type Cluster, type Effect } from '@juice/local-mesos';
import { buildContainerCommand } from '@juice/local-mesos/testing';
import type { Offer, ReceivedCall, TaskInfo } from '@juice/mesos';
import { callFromJson } from '@juice/mesos/testing';
import { mesosTaskId } from '@juice/scheduling';
import { buildAccept } from './launches.ts';
import { frameworkInfo } from './session.ts';
import { toOffer } from './translate.ts';

// Whatever the api stores, the master takes: tasks that mean what random right submissions mean are launched on an offer
// that holds them. The stand-in's master judges them as a real one does, and docker's command line can be made of them.

const taskId = asTaskId(806769905152840693n) as TaskId;

/** No docker container with GPUs: the api refuses it. */
const spec: fc.Arbitrary<TaskSpec> = rightWork.chain((work) => {
  const gpus = work.means.container?.type === 'DOCKER' ? fc.constant(0) : fc.nat(2);
  const parts = fc.tuple(
    rightName,
    fc.constant(work),
    rightResources(gpus),
    rightEnv,
    rightUris,
    rightLabels,
    rightTimes,
  );
  return parts.map((parts) => Object.assign({}, nothingAsked, ...parts.map(({ means }) => means)) as TaskSpec);
});

function eventsOf(effects: readonly Effect[]) {
  return effects.flatMap((effect) => (effect.kind === 'event' ? [effect.event] : []));
}

/** A master with one large agent, and what it offers. */
function startMaster(): { cluster: Cluster; offer: Offer; frameworkId: string } {
  const scalar = (name: string, value: number) => ({
    name,
    type: 'SCALAR' as const,
    scalar: { value },
    reservations: [],
  });
  const range = [{ begin: 31_000, end: 31_100 }];
  const cluster = createCluster({
    masterId: 'M',
    agents: [
      {
        ...{ id: 'S0', hostname: 'h', ip: '127.0.0.1', port: 5051, attributes: [] },
        resources: [
          ...[scalar('cpus', 64), scalar('mem', 65_536), scalar('disk', 10_000), scalar('gpus', 4)],
          { name: 'ports', type: 'RANGES', ranges: { range }, reservations: [] },
        ],
      },
    ],
    completed: [],
    newUuid: () => '00000000-0000-4000-8000-000000000001',
    nowMs: 0,
    settings: { host: '127.0.0.1', port: 5050 },
  });
  const framework_info = frameworkInfo({
    ...{ name: 'juice', user: 'root', roles: ['batch', 'web'], principal: null, hostname: 'here', gpus: true },
    ...{ failoverTimeoutMs: 60_000, frameworkId: null },
  });
  const events = eventsOf(send(cluster, callFromJson({ type: 'SUBSCRIBE', subscribe: { framework_info } }), null));
  const offer = events.flatMap((event) => (event.type === 'OFFERS' ? event.offers.offers : []))[0];
  const [frameworkId] = events.flatMap((event) =>
    event.type === 'SUBSCRIBED' ? [event.subscribed.framework_id.value] : [],
  );
  if (offer === undefined || frameworkId === undefined) throw new Error('there is no offer');
  return { cluster, offer, frameworkId };
}

function send(cluster: Cluster, call: ReceivedCall, streamId: string | null): readonly Effect[] {
  return cluster.call({ call, streamId, acceptable: true, principal: null, newStreamId: 'stream' }, 0).effects;
}

function launched(spec: TaskSpec): { tasks: TaskInfo[]; refusals: string[]; offer: Offer } {
  const { cluster, offer, frameworkId } = startMaster();
  const launch = { taskId, tenantId: 'acme', attempt: 1, mesosTaskId: mesosTaskId(spec.taskName, taskId, 1) };
  const accept = {
    kind: 'accept' as const,
    offerIds: [offer.id.value],
    agentId: 'S0',
    launches: [launch],
    refuseSeconds: 0,
  };
  const { call, refused } = buildAccept(accept, [offer], new Map([[taskId, { spec }]]), frameworkId);
  const effects = send(cluster, callFromJson(call), 'stream');
  const updates = eventsOf(effects).flatMap((event) => (event.type === 'UPDATE' ? [event.update.status] : []));
  return {
    tasks: effects.flatMap((effect) => (effect.kind === 'launch' ? [effect.task] : [])),
    refusals: [...refused.map(({ detail }) => detail), ...updates.map(({ message = '' }) => message)],
    offer,
  };
}

test('the master takes every task that the api stores', () => {
  const taken = fc.property(spec, (spec) => {
    const { tasks, refusals, offer } = launched(spec);
    expect(refusals).toEqual([]);
    expect(tasks).toHaveLength(1);
    const [task] = tasks;
    if (task === undefined) return;
    expect(task.labels?.labels).toContainEqual({ key: 'juice_task_id', value: '806769905152840693' });
    expect(task.resources.map((resource) => resource.allocation_info)).toEqual(
      task.resources.map(() => ({ role: toOffer(offer).role })),
    );
    // As many ports as the core counted with when it placed the task.
    const ports = task.resources.flatMap(({ ranges }) => ranges?.range ?? []);
    expect(ports).toHaveLength(portsNeeded(spec.resources.ports, spec.container?.docker.portMappings ?? []));
    if (spec.container === null) return;
    const place = { containerId: 'C', frameworkId: 'F', sandbox: '/s', envFile: '/s.env', manyLined: {} };
    expect(buildContainerCommand(task, place)).toMatchObject({ image: spec.container.docker.image });
  });
  fc.assert(taken, { numRuns: 300 });
});
