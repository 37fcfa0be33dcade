import request from 'supertest';
import { parseExactJson } from '@juice/contracts';
import { createApiFixture } from './api-fixture.ts';

// The seed's own requests.

export const demoContainer = `{
   "callbackUrl":"http://www.XXXXXXXX.com/v5/tasks/callback",
   "taskName":"demo-container",
   "env":{"name":"environment","value":"dev"},
    "args":["this is a test"],
    "container":{
        "docker":{
            "image":"dockerhub.XXXX.com/demo-slice"
        },
        "type":"DOCKER"
    }
}`;
export const demoCommands = `{
    "callbackUrl":"http://www.XXXXXXXX.com/v5/tasks/callback",
    "taskName":"demo-commands",
    "env":{"name":"environment","value":"dev"},
    "commands":"/home/app/entrypoint.sh"
}`;

/** The app, with the seed's tenant submitting to it. */
export function startSubmitting(settings: Parameters<typeof createApiFixture>[0] = {}) {
  const fixture = createApiFixture(settings);
  const submit = (body: string) =>
    request(fixture.app)
      .post('/v1/tasks')
      .set('X-Tenant-Id', '10002')
      .set('Content-Type', 'application/json')
      .send(body);
  const only = () => {
    const [task] = fixture.tasks.stored.values();
    if (task === undefined) throw new Error('nothing was stored');
    return task;
  };
  return { ...fixture, submit, only };
}

/** The exact answer; supertest's own parser would round ids. */
export function exact(response: { text: string }): unknown {
  return parseExactJson(response.text);
}
