import type { ConstraintSpec, TaskSpec } from '@juice/contracts';
import type { Offer, ReceivedCall } from '@juice/mesos';

/** A task that the recorded scheduler launched, as one that a tenant can submit. */
export interface RecordedTask {
  /** Its Mesos task id in the recording. */
  readonly id: string;
  readonly spec: Pick<TaskSpec, 'env' | 'uris' | 'resources'>;
  /** The agent it ran on, told by its rack. */
  readonly constraints: readonly ConstraintSpec[];
}

/**
 * The tasks of a recorded ACCEPT, with the resources, variables and URIs they had. What no tenant can ask for (parts of
 * a GPU) or no agent could give becomes the smallest task.
 */
export function recordedTasks(call: ReceivedCall, offer: Offer | undefined): RecordedTask[] {
  const rack = offer?.attributes.find(({ name }) => name === 'rack_id')?.text?.value;
  const constraints: ConstraintSpec[] = rack === undefined ? [] : [{ field: 'RACK_ID', values: [rack] }];
  const offered = sumOf(offer?.resources ?? []);
  const operations = call.accept?.operations ?? [];
  return operations
    .flatMap(({ launch }) => launch?.task_infos ?? [])
    .map((info) => {
      const asked = sumOf(info.resources ?? []);
      const isPossible = asked.cpus <= offered.cpus && asked.memMb <= offered.memMb && Number.isInteger(asked.gpus);
      const env = (info.command?.environment?.variables ?? []).flatMap(({ name, value }) =>
        value === undefined ? [] : [{ name, value }],
      );
      const uris = (info.command?.uris ?? []).map(({ value }) => value);
      const resources = { role: '*', ...(isPossible ? asked : smallest) };
      return { id: info.task_id.value, spec: { env, uris, resources }, constraints };
    });
}

const smallest = { cpus: 0.1, memMb: 32, diskMb: 0, gpus: 0, ports: 0 };

type Scalar = Pick<Offer['resources'][number], 'name'> & {
  readonly scalar?: { readonly value: number };
  readonly ranges?: { readonly range?: readonly { readonly begin: number; readonly end: number }[] };
};

function sumOf(resources: readonly Scalar[]): Omit<TaskSpec['resources'], 'role'> {
  const scalar = (name: string): number => {
    const milli = resources.map((one) => (one.name === name ? Math.round((one.scalar?.value ?? 0) * 1000) : 0));
    return milli.reduce((total, value) => total + value, 0) / 1000;
  };
  const ranges = resources.filter(({ name }) => name === 'ports').flatMap((one) => one.ranges?.range ?? []);
  const ports = ranges.reduce((total, { begin, end }) => total + end - begin + 1, 0);
  return { cpus: scalar('cpus'), memMb: scalar('mem'), diskMb: scalar('disk'), gpus: scalar('gpus'), ports };
}
