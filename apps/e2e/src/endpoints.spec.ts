import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TaskId } from '@juice/contracts';
import { createTenant, startReceiver, until, type ReceivedCallback, type Receiver } from '@juice/trial';
import { operatorSecret, startTrialRun, type TrialRun } from './trial-run.ts';

const adminKey = 'an-admin-key-for-the-tests-of-endpoints';
/** The breaker is open for half a minute at first, a fifth more at most; then the probe, and twelve seconds of slow start. */
const drained = { withinMs: 90_000, everyMs: 200 };

/** On standalone: receivers that fail, of tenants with schedules and secrets of their own. */
describe('an endpoint', () => {
  const world: { run: TrialRun | null } = { run: null };
  const run = (): TrialRun => {
    if (world.run === null) throw new Error('standalone is not up');
    return world.run;
  };
  const receivers: Receiver[] = [];

  beforeAll(async () => {
    world.run = await startTrialRun({ env: { JUICE_ADMIN_KEY: adminKey } });
  }, 90_000);
  afterAll(async () => {
    await world.run?.close();
    await Promise.all(receivers.map((receiver) => receiver.close()));
  }, 30_000);

  async function admin(method: 'PUT' | 'POST', path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    const answer = await fetch(`${run().juice().url}/v1/admin/tenants/${path}`, {
      method,
      headers: { Authorization: `Bearer ${adminKey}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { message, data } = (await answer.json()) as { message: string; data: Record<string, unknown> };
    expect([answer.status, message]).toEqual([200, 'OK']);
    return data;
  }
  const setSchedule = (tenantId: string, scheduleSeconds: readonly number[]) =>
    admin('PUT', tenantId, { callback: { scheduleSeconds, events: 'terminal' } });
  const makeSecret = async (tenantId: string, overlapSeconds: number): Promise<string> =>
    String((await admin('POST', `${tenantId}/callback-secrets`, { overlapSeconds }))['secret']);

  async function receive(secret: string, answer: (callback: ReceivedCallback) => number): Promise<Receiver> {
    const receiver = await startReceiver({ secret, answer });
    receivers.push(receiver);
    return receiver;
  }
  const submit = (tenantId: string, count: number, callbackUrl: string): Promise<TaskId[]> => {
    const tenant = createTenant(run().juice().url, tenantId);
    const resources = { cpu: 0.1, mem: 256 };
    const one = () => tenant.submit({ taskName: 'called-back', commands: 'true', callbackUrl, resources });
    return Promise.all(Array.from({ length: count }, one));
  };
  const callbackStates = async (tenantId: string, taskIds: readonly TaskId[]): Promise<(string | undefined)[]> =>
    (await createTenant(run().juice().url, tenantId).find(taskIds)).map(({ callbackState }) => callbackState);
  const isHeld = (state: string | undefined): boolean => state === 'held';
  const endpointsThatAre = async (state: string): Promise<number> => {
    const metrics = await (await fetch(`${run().juice().url}/metrics`)).text();
    const line = new RegExp(`^juice_callback_endpoints\\{.*state="${state}".*\\} (\\d+)$`, 'm').exec(metrics);
    return Number(line?.[1]);
  };

  test('that fails is left alone, holds up nobody else, and is given what was held when it is back', async () => {
    // Longer than the breaker is open, but the last try would come too late for this test; before that are more than open a breaker.
    await setSchedule('acme', [0, ...Array<number>(14).fill(1), 3600]);
    await setSchedule('bystander', [0, 1]);
    let isDown = true;
    const accepted: string[] = [];
    // What acme's own secret has signed is for acme; the bystander, at the same origin, has the operator's.
    const receiver = await receive(await makeSecret('acme', 0), ({ id, isSigned }) => {
      if (isDown && isSigned) return 503;
      accepted.push(id);
      return 200;
    });
    const calledBack = (taskIds: readonly TaskId[]): readonly ReceivedCallback[] =>
      receiver.received.filter(({ taskId }) => taskIds.includes(taskId));

    const first = await submit('acme', 12, receiver.url);
    await until('its breaker to open', async () => (await endpointsThatAre('open')) === 1);
    const late = await submit('acme', 6, receiver.url);
    const bystander = await submit('bystander', 1, receiver.url);
    await until('the bystander to be called back', () => calledBack(bystander).length > 0);
    await until('the late ones to be held', async () => (await callbackStates('acme', late)).every(isHeld));
    expect(calledBack(late)).toEqual([]);
    expect(accepted).toHaveLength(bystander.length);

    isDown = false;
    const all = [...first, ...late];
    const isIdle = (state: string | undefined): boolean => state === 'idle';
    await until(
      'what was held to be delivered',
      async () => (await callbackStates('acme', all)).every(isIdle),
      drained,
    );
    const arrived = calledBack(all);
    expect(new Set(accepted)).toEqual(new Set([...arrived, ...calledBack(bystander)].map(({ id }) => id)));
    expect(accepted).toHaveLength(all.length + bystander.length);
    expect(arrived.every(({ isSigned }) => isSigned)).toBe(true);
    expect(calledBack(bystander).some(({ isSigned }) => isSigned)).toBe(false);
  }, 180_000);

  test('is tried as often as its tenant’s schedule says', async () => {
    await setSchedule('once', [0]);
    await setSchedule('thrice', [0, 0, 0]);
    const receiver = await receive(operatorSecret, () => 500);
    const [once, thrice] = [await submit('once', 1, receiver.url), await submit('thrice', 1, receiver.url)];
    const isDead = (state: string | undefined): boolean => state === 'dead';
    await until('both to be given up', async () =>
      [...(await callbackStates('once', once)), ...(await callbackStates('thrice', thrice))].every(isDead),
    );
    const triesOf = (taskIds: readonly TaskId[]): number =>
      receiver.received.filter(({ taskId }) => taskIds.includes(taskId)).length;
    expect([triesOf(once), triesOf(thrice)]).toEqual([1, 3]);
  }, 60_000);

  test('is signed with the old secret and the new one while one takes the other’s place, and then with the new one', async () => {
    await setSchedule('rotating', [0, 1]);
    const before = await receive(await makeSecret('rotating', 0), () => 200);
    const after = await receive(await makeSecret('rotating', 3600), () => 200);
    const both = [...(await submit('rotating', 1, before.url)), ...(await submit('rotating', 1, after.url))];
    const received = (): readonly ReceivedCallback[] => [...before.received, ...after.received];
    await until('both to be called back', () => received().length >= both.length);
    expect(received().every(({ isSigned }) => isSigned)).toBe(true);

    const last = await receive(await makeSecret('rotating', 0), () => 200);
    await submit('rotating', 1, last.url);
    await submit('rotating', 1, before.url);
    await until('both to be called back', () => last.received.length > 0 && before.received.length > 1);
    expect([last.received[0]?.isSigned, before.received[1]?.isSigned]).toEqual([true, false]);
  }, 60_000);
});
