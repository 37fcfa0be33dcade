import { parseExactJson, parseTaskId, taskWhy, type TaskId, type TaskState, type TaskWhy } from '@juice/contracts';

/** A task as GET /v1/tasks tells it. */
export interface TaskView {
  readonly taskId: TaskId;
  readonly taskName: string;
  readonly taskStatus: TaskState;
  readonly message: string;
  readonly agentHost?: string;
  readonly submitAt: string;
  readonly finishAt?: string;
  readonly callbackState?: string;
}

export interface KillAnswer {
  readonly submitKill: boolean;
  readonly resultMessage: string;
  readonly currentStatus: TaskState;
}

/** A tenant's backend: speaks to the api as an existing client would. Throws what the api refuses, with its message. */
export interface Tenant {
  submit(task: Readonly<Record<string, unknown>>): Promise<TaskId>;
  find(taskIds: readonly TaskId[]): Promise<readonly TaskView[]>;
  kill(taskId: TaskId): Promise<KillAnswer>;
  why(taskId: TaskId): Promise<TaskWhy>;
}

export class Refused extends Error {
  readonly code: number;
  readonly httpStatus: number;
  constructor(httpStatus: number, code: number, message: string) {
    super(`${httpStatus} ${code} ${message}`);
    this.code = code;
    this.httpStatus = httpStatus;
  }
}

export function createTenant(apiUrl: string, tenantId: string): Tenant {
  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: { 'X-Tenant-Id': tenantId, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const envelope = parseExactJson(await response.text()) as { status: number; message: string; data: unknown };
    if (envelope.status !== 0) throw new Refused(response.status, envelope.status, envelope.message);
    return envelope.data;
  }

  return {
    async submit(task) {
      const { taskId } = (await call('POST', '/v1/tasks', task)) as { taskId: bigint };
      return asId(taskId);
    },
    async find(taskIds) {
      const found = (await call('GET', `/v1/tasks?taskIds=${taskIds.join(',')}`)) as TaskView[];
      return found.map((task) => ({ ...task, taskId: asId(task.taskId) }));
    },
    kill: async (taskId) => (await call('POST', `/v1/tasks/kill?taskId=${taskId}`)) as KillAnswer,
    why: async (taskId) => taskWhy.parse(await call('GET', `/v1/tasks/${taskId}/why`)),
  };
}

function asId(value: bigint | number): TaskId {
  const id = parseTaskId(String(value));
  if (id === null) throw new TypeError(`${value} is no task id`);
  return id;
}
