import type { GroupSpec, ResourceNeeds, SchedulableTask } from '@juice/contracts';
import { compileConstraint, type Constraint, type Patterns } from './constraint.ts';

/**
 * What a task needs and where it may run. Tasks alike share one: where it does not fit, none of them does, and a million
 * of them hold it once.
 */
export interface Shape {
  readonly key: string;
  readonly needs: ResourceNeeds;
  readonly role: string;
  readonly constraints: readonly Constraint[];
  /** Its group's key among all tenants', and its spec; null without one. */
  readonly group: { readonly key: string; readonly spec: GroupSpec } | null;
  /** How many tasks hold it. */
  holders: number;
}

type Shaped = Pick<SchedulableTask, 'tenantId' | 'needs' | 'role' | 'constraints' | 'group'>;

/** The shapes that tasks have now. */
export class Shapes {
  readonly #shapes = new Map<string, Shape>();
  readonly #patterns: Patterns;

  constructor(patterns: Patterns) {
    this.#patterns = patterns;
  }

  hold(task: Shaped): Shape {
    const key = keyOf(task);
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      const { needs, role, group, tenantId } = task;
      shape = {
        key,
        needs,
        role,
        constraints: task.constraints.map((spec) => compileConstraint(spec, this.#patterns)),
        group: group === null ? null : { key: `${tenantId}/${group.name}`, spec: group },
        holders: 0,
      };
      this.#shapes.set(key, shape);
    }
    shape.holders += 1;
    return shape;
  }

  release(shape: Shape): void {
    shape.holders -= 1;
    if (shape.holders === 0) this.#shapes.delete(shape.key);
  }
}

function keyOf({ tenantId, needs, role, constraints, group }: Shaped): string {
  const { cpuMillis, memMb, diskMb, gpus, ports, hostPorts } = needs;
  const resources = `${cpuMillis}/${memMb}/${diskMb}/${gpus}/${ports}/${hostPorts.join()}/${role}`;
  if (constraints.length === 0 && group === null) return resources;
  return `${resources}|${JSON.stringify(constraints)}|${group === null ? '' : JSON.stringify([tenantId, group])}`;
}
