import request from 'supertest';
import { parseExactJson, successAnswer, taskListAnswer, type TaskId, type TaskListAnswer } from '@juice/contracts';
import { createApiFixture } from './api-fixture.ts';

/**
 * The app, with tenants submitting to it and listing. The store in memory looks at seven tasks for a page, so that pages end
 * early often.
 */
export function startListing() {
  const fixture = createApiFixture();
  const submit = async (taskName: string, { tenant = 't', labels = {} } = {}): Promise<TaskId> => {
    const sent = request(fixture.app).post('/v1/tasks').set('X-Tenant-Id', tenant);
    const { text } = await sent.send({ taskName, commands: 'true', labels }).expect(200);
    const { data } = parseExactJson(text) as { data: { taskId: TaskId } };
    return data.taskId;
  };
  const get = (query: string, tenant = 't') =>
    request(fixture.app).get(`/v1/tasks?${query}`).set('X-Tenant-Id', tenant);
  const list = async (query: string, tenant?: string): Promise<TaskListAnswer> => {
    const { text } = await get(query, tenant).expect(200);
    return successAnswer(taskListAnswer).strict().parse(parseExactJson(text)).data;
  };
  /** Every page, from the first on. */
  const listAll = async (query: string, each: () => unknown = () => undefined): Promise<TaskListAnswer['tasks']> => {
    const found: TaskListAnswer['tasks'] = [];
    for (let cursor = ''; ;) {
      const { tasks, nextCursor } = await list(`${query}${cursor}`);
      found.push(...tasks);
      await each();
      if (nextCursor === undefined) return found;
      cursor = `&cursor=${nextCursor}`;
    }
  };
  const names = (tasks: TaskListAnswer['tasks']) => tasks.map(({ taskName }) => taskName);
  return { ...fixture, submit, get, list, listAll, names };
}
