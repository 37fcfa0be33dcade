import { homedir, userInfo } from 'node:os';
import type { TaskInfo } from '@juice/mesos';
import { containerVariable } from './process-identity.ts';

/**
 * What a task finds in its environment. Of the surrounding process only these pass: whatever else it holds (a database's
 * password, say) is none of a tenant's business.
 */
const inherited = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR)$/;

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type Variables = Readonly<Record<string, string>>;

/** The part of a process's environment that tasks and the tools that serve them may see. */
export function inheritedVariables(surrounding: Readonly<Record<string, string | undefined>>): Variables {
  const passed = Object.entries(surrounding).flatMap(([name, value]) =>
    inherited.test(name) && value !== undefined ? [[name, value] as const] : [],
  );
  return { PATH: defaultPath, HOME: homedir(), USER: userInfo().username, ...Object.fromEntries(passed) };
}

export interface TaskPlace {
  readonly frameworkId: string;
  readonly agentId: string;
  readonly containerId: string;
  readonly sandbox: string;
}

/** What Mesos tells every task about itself. */
export function mesosVariables(task: TaskInfo, { frameworkId, agentId, containerId, sandbox }: TaskPlace): Variables {
  return {
    MESOS_SANDBOX: sandbox,
    MESOS_DIRECTORY: sandbox,
    MESOS_TASK_ID: task.task_id.value,
    MESOS_EXECUTOR_ID: task.task_id.value,
    MESOS_FRAMEWORK_ID: frameworkId,
    MESOS_AGENT_ID: agentId,
    MESOS_SLAVE_ID: agentId,
    [containerVariable]: containerId,
  };
}

/** The task's own variables; secrets by value are decoded. Null where one refers to a store of secrets: there is none. */
export function taskVariables(task: TaskInfo): Variables | null {
  const variables = task.command?.environment?.variables ?? [];
  const entries: (readonly [string, string])[] = [];
  for (const { name, type = 'VALUE', value, secret } of variables) {
    if (type === 'VALUE') entries.push([name, value ?? '']);
    else if (secret?.value === undefined) return null;
    else entries.push([name, Buffer.from(secret.value.data, 'base64').toString()]);
  }
  return Object.fromEntries(entries);
}
