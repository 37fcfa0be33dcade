import http from 'node:http';
import { parseExactJson, type TaskId } from '@juice/contracts';

/** Submits tasks over connections that are kept. */
export interface SubmitClient {
  /** The id that the task was given. Rejects with what the api said when it did not accept the task. */
  submit(tenantId: string, task: Readonly<Record<string, unknown>>): Promise<TaskId>;
  close(): void;
}

/** As a backend would, with as little work of its own as `node:http` allows: what is measured shares its machine. */
export function createSubmitClient(apiUrl: string): SubmitClient {
  const agent = new http.Agent({ keepAlive: true });
  return {
    submit(tenantId, task) {
      const body = Buffer.from(JSON.stringify(task));
      const headers = {
        ...{ 'x-tenant-id': tenantId, 'content-type': 'application/json' },
        'content-length': body.length,
      };
      return new Promise((resolve, reject) => {
        const request = http.request(`${apiUrl}/v1/tasks`, { agent, headers, method: 'POST' }, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => void parts.push(part));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(parts).toString();
            if (response.statusCode !== 200) return reject(new Error(`${response.statusCode} ${text}`));
            resolve((parseExactJson(text) as { data: { taskId: TaskId } }).data.taskId);
          });
        });
        request.on('error', reject);
        request.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}
