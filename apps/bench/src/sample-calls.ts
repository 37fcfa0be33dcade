import { randomBytes, randomUUID } from 'node:crypto';
import type { Draft, FrameworkCall, TaskInfo } from '@juice/mesos';

/** As a master and agents name their own: a UUID and a counter. */
const agent_id = { value: `${randomUUID()}-S12` };

/** An acknowledgement of an update that nobody sent: a master reads it, looks for the task, and answers 202. */
export function sampleAcknowledge(frameworkId: string): Draft<FrameworkCall> {
  const uuid = randomBytes(16).toString('base64');
  const task_id = { value: 'nightly-report-806769905152840693-1' };
  return { type: 'ACKNOWLEDGE', framework_id: { value: frameworkId }, acknowledge: { agent_id, task_id, uuid } };
}

/**
 * An ACCEPT of one offer with so many tasks as the scheduler writes them. The offer is none that a master made: it reads
 * the call and answers 202, and the stand-in then reports each task dropped.
 */
export function sampleAccept(frameworkId: string, tasks: number): Draft<FrameworkCall> {
  const task_infos = Array.from({ length: tasks }, (_, index) => sampleTask(index));
  const operations = [{ type: 'LAUNCH' as const, launch: { task_infos } }];
  const accept = { offer_ids: [{ value: `${randomUUID()}-O7` }], operations, filters: { refuse_seconds: 5 } };
  return { type: 'ACCEPT', framework_id: { value: frameworkId }, accept };
}

function sampleTask(index: number): Draft<TaskInfo> {
  const name = 'nightly-report';
  const scalar = (resource: string, value: number) => ({
    name: resource,
    type: 'SCALAR' as const,
    scalar: { value },
    allocation_info: { role: 'juice' },
  });
  const variables = ['TENANT', 'REPORT_DATE', 'GREETING'].map((key) => ({
    name: key,
    value: 'some value of a tenant',
  }));
  return {
    name,
    task_id: { value: `${name}-80676990515284${1000 + index}-1` },
    agent_id,
    resources: [scalar('cpus', 0.5), scalar('mem', 256)],
    labels: {
      labels: [
        { key: 'juice_task_id', value: `80676990515284${1000 + index}` },
        { key: 'juice_tenant_id', value: 'reporting' },
      ],
    },
    command: { shell: true, value: 'exec ./report --date "$REPORT_DATE" --out report.csv', environment: { variables } },
  };
}
