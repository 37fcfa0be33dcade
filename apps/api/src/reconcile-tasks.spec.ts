import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { TaskState, type TaskId } from '@juice/contracts';
import { demoCommands, exact, startSubmitting } from '../testing/seed-examples.ts';

describe('POST /v1/tasks/reconcile', () => {
  test('asks for what runs, and says of the rest why not', async () => {
    const { app, submit, tasks, published } = startSubmitting();
    for (const _ of [1, 2, 3]) await submit(demoCommands).expect(200);
    const [waiting, running, ended] = [...tasks.stored.keys()] as [TaskId, TaskId, TaskId];
    tasks.change(running, { status: TaskState.RUNNING });
    tasks.change(ended, { status: TaskState.LOST });
    published.length = 0;
    const response = await request(app)
      .post(`/v1/tasks/reconcile?taskIds=${waiting},${running},${ended},99`)
      .set('X-Tenant-Id', '10002')
      .expect(200);
    expect(exact(response)).toMatchObject({
      data: {
        request: 4,
        reconcile: 1,
        reconciles: [
          { taskId: waiting, reconciled: false, message: 'the task has not been started' },
          { taskId: running, reconciled: true, message: 'the cluster is asked' },
          { taskId: ended, reconciled: false, message: 'the task has ended' },
          { taskId: 99, reconciled: false, message: 'no such task of this tenant', taskIdStr: '99' },
        ],
      },
    });
    expect(published).toMatchObject([{ body: { v: 1, kind: 'reconcile', taskIds: [String(running)] } }]);
  });

  test('is refused while the broker is away', async () => {
    const { app, submit, only, tasks, setBrokerDown } = startSubmitting();
    await submit(demoCommands).expect(200);
    tasks.change(only().taskId, { status: TaskState.RUNNING });
    setBrokerDown(true);
    const response = await request(app)
      .post(`/v1/tasks/reconcile?taskIds=${only().taskId}`)
      .set('X-Tenant-Id', '10002')
      .expect(503)
      .expect('retry-after', '5');
    expect(response.body).toMatchObject({ status: -2127560605 });
  });
});
