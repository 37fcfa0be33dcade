import http from 'node:http';
import { parseExactJson, type TaskId } from '@juice/contracts';
import { ask } from './ask.ts';

/** Submits tasks over connections that are kept. */
export interface SubmitClient {
  /** The id that the task was given. Rejects with what the api said when it did not accept the task. */
  submit(tenantId: string, task: Readonly<Record<string, unknown>>): Promise<TaskId>;
  close(): void;
}

export function createSubmitClient(apiUrl: string): SubmitClient {
  const agent = new http.Agent({ keepAlive: true });
  return {
    async submit(tenantId, task) {
      const body = Buffer.from(JSON.stringify(task));
      const answer = parseExactJson(await ask(agent, `${apiUrl}/v1/tasks`, { tenantId, body }));
      return (answer as { data: { taskId: TaskId } }).data.taskId;
    },
    close: () => agent.destroy(),
  };
}
