import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ContentType } from '@juice/mesos';
import { commandTask, launchOnce, subscribeProbe, type SchedulerProbe } from '../testing/scheduler-probe.ts';
import { startLocalMesos, type LocalMesos } from './local-mesos.ts';

const agent = { cpus: 8, memMb: 8192, diskMb: 20_000, ports: [31_000, 32_000] as const, attributes: { rack_id: 'r1' } };

describe('tasks as processes', () => {
  let dataDir: string;
  let mesos: LocalMesos;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'local-mesos-'));
    mesos = await startLocalMesos({ dataDir, agents: [agent] });
  });

  afterEach(async () => {
    await mesos.stop();
    rmSync(dataDir, { recursive: true });
  });

  test.each(['application/json', 'application/x-protobuf'] as const)(
    'a command runs to its end (%s)',
    async (contentType) => {
      const probe = await subscribeProbe(mesos.url, { contentType });
      await launchOnce(probe, (agentId) => [commandTask(agentId, 't-finished', 'echo hello; echo oops >&2')]);
      const { update } = await probe.waitForState('t-finished', 'TASK_FINISHED');
      expect(update.status.message).toBe('Command exited with status 0');
      expect(probe.statesOf('t-finished')).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
      const base = `/frameworks/${probe.frameworkId}/executors/t-finished/runs/latest`;
      const read = await fetch(
        `${mesos.agentUrls[0]}/files/read?path=${encodeURIComponent(`${base}/stdout`)}&offset=0`,
      );
      expect(await read.text()).toBe('{"data":"hello\\n","offset":0}');
      const size = await fetch(
        `${mesos.agentUrls[0]}/files/read?path=${encodeURIComponent(`${base}/stderr`)}&offset=-1`,
      );
      expect(await size.json()).toEqual({ data: '', offset: 5 });
    },
  );

  test('a killed task says so, and ends with the signal it died of', async () => {
    const probe = await subscribeProbe(mesos.url);
    await launchOnce(probe, (agentId) => [commandTask(agentId, 't-kill', 'sleep 100 & sleep 100')]);
    await probe.waitForState('t-kill', 'TASK_RUNNING');
    await probe.call({ type: 'KILL', kill: { task_id: { value: 't-kill' } } });
    const { update } = await probe.waitForState('t-kill', 'TASK_KILLED');
    expect(update.status.message).toBe('Command terminated with signal Terminated');
    expect(probe.statesOf('t-kill')).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
  });
});

describe('accidents, over HTTP', () => {
  let dataDir: string;
  let mesos: LocalMesos;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'local-mesos-'));
    const agents = [agent, { ...agent, hostname: 'second' }];
    const settings = { retryMinMs: 50 };
    mesos = await startLocalMesos({ dataDir, agents, executor: 'simulated', heartbeatMs: 50, followers: 1, settings });
  });

  afterEach(async () => {
    await mesos.stop();
    rmSync(dataDir, { recursive: true });
  });

  const forever = { labels: { labels: [{ key: 'JUICE_SIMULATE_MS', value: '100000000' }] } };

  test('a dropped stream can be taken up again with the same id; the old stream id is of no use', async () => {
    const probe = await subscribeProbe(mesos.url);
    mesos.dropStream(probe.frameworkId);
    await probe.until(probe.ended, 'end of the stream');
    const back = await subscribeProbe(mesos.url, { frameworkId: probe.frameworkId });
    expect(back.frameworkId).toBe(probe.frameworkId);
    expect(await probe.call({ type: 'REVIVE' })).toMatchObject({ status: 400 });
    expect(await back.call({ type: 'REVIVE' })).toMatchObject({ status: 202 });
  });

  test('heartbeats come at the interval the subscription names', async () => {
    const probe = await subscribeProbe(mesos.url);
    const { subscribed } = await probe.waitFor('SUBSCRIBED');
    expect(subscribed.heartbeat_interval_seconds).toBe(0.05);
    await probe.until(() => probe.events.filter(({ type }) => type === 'HEARTBEAT').length >= 3, 'three heartbeats');
  });

  test('an agent that is lost and comes back', async () => {
    const probe = await subscribeProbe(mesos.url);
    const used = new Set<string>();
    const agentId = await launchOnce(probe, (id) => [commandTask(id, 't', 'x', forever)], used);
    await probe.waitForState('t', 'TASK_RUNNING');
    const index = mesos.agentIds.indexOf(agentId);
    mesos.loseAgent(index);
    await probe.waitForState('t', 'TASK_UNREACHABLE');
    await probe.waitFor('FAILURE');
    mesos.returnAgent(index);
    await probe.waitFor('UPDATE', ({ update }) => update.status.reason === 'REASON_AGENT_REREGISTERED');
    mesos.markAgentGone(index);
    await probe.waitForState('t', 'TASK_GONE_BY_OPERATOR');
  });

  test('a master that restarts answers 503, then knows the task again when its agent is back', async () => {
    const probe = await subscribeProbe(mesos.url);
    const agentId = await launchOnce(probe, (id) => [commandTask(id, 't', 'x', forever)]);
    await probe.waitForState('t', 'TASK_RUNNING');
    mesos.restartMaster({ recoverMs: 30, agentsBackMs: 60 });
    await probe.until(probe.ended, 'end of the stream');
    await expect(subscribeProbe(mesos.url, { frameworkId: probe.frameworkId })).rejects.toThrow('503');
    const again = async (): Promise<SchedulerProbe> => {
      for (;;) {
        const back = await subscribeProbe(mesos.url, { frameworkId: probe.frameworkId }).catch(() => null);
        if (back !== null) return back;
      }
    };
    const back = await again();
    const asked = { task_id: { value: 't' }, agent_id: { value: agentId } };
    while (back.statesOf('t').length === 0) await back.call({ type: 'RECONCILE', reconcile: { tasks: [asked] } });
    expect(back.statesOf('t')[0]).toBe('TASK_RUNNING');
  });

  test('an agent that is to be maintained', async () => {
    const probe = await subscribeProbe(mesos.url);
    mesos.startMaintenance(0, { startMs: 2_000_000_000_000, durationMs: 60_000 });
    const { inverse_offers: asked } = await probe.waitFor('INVERSE_OFFERS');
    const window = { start: { nanoseconds: 2e18 }, duration: { nanoseconds: 6e10 } };
    const agent_id = { value: mesos.agentIds[0] };
    expect(asked.inverse_offers).toMatchObject([{ agent_id, unavailability: window, resources: [] }]);
    await probe.waitFor('OFFERS', ({ offers }) => offers.offers.some((offer) => offer.unavailability !== undefined));
    const inverse_offer_ids = asked.inverse_offers.map(({ id }) => id);
    const declined = { inverse_offer_ids, filters: { refuse_seconds: 0 } };
    await probe.call({ type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: declined });
    const again = await probe.waitFor('INVERSE_OFFERS', (event) => event.inverse_offers !== asked);
    mesos.endMaintenance(0);
    const { rescind_inverse_offer: rescinded } = await probe.waitFor('RESCIND_INVERSE_OFFER');
    expect(rescinded.inverse_offer_id).toEqual(again.inverse_offers.inverse_offers[0]?.id);
  });

  test.each(['application/json', 'application/x-protobuf'] as const)(
    'an update that no client can read comes again until it is acknowledged (%s)',
    async (contentType) => {
      const probe = await subscribeProbe(mesos.url, { contentType });
      mesos.garbleUpdate('t');
      const used = new Set<string>();
      const agentId = await launchOnce(probe, (id) => [commandTask(id, 't', 'x')], used);
      await probe.until(() => probe.unreadable.length >= 3, 'the third arrival');
      const [record, ...again] = probe.unreadable.map((each) => Buffer.from(each).toString('base64'));
      expect(new Set(again)).toEqual(new Set([record]));
      expect(probe.statesOf('t')).toEqual([]);
      const uuid = uuidIn(probe.unreadable[0] ?? new Uint8Array(), contentType);
      const acknowledge = { uuid, task_id: { value: 't' }, agent_id: { value: agentId } };
      expect((await probe.call({ type: 'ACKNOWLEDGE', acknowledge })).status).toBe(202);
      await probe.waitForState('t', 'TASK_FINISHED');
      expect(new Set(probe.statesOf('t'))).toEqual(new Set(['TASK_RUNNING', 'TASK_FINISHED']));
    },
  );

  test('a simulated task ends as it is told to', async () => {
    const probe = await subscribeProbe(mesos.url);
    const variables = [
      { name: 'JUICE_SIMULATE_MS', value: '1' },
      { name: 'JUICE_SIMULATE_EXIT', value: '7' },
    ];
    const command = { value: 'x', environment: { variables } };
    await launchOnce(probe, (id) => [commandTask(id, 't', 'x', { command })]);
    expect((await probe.waitForState('t', 'TASK_FAILED')).update.status.message).toBe('Command exited with status 7');
  });

  test('a master that does not lead says who does', async () => {
    const response = await fetch(`${mesos.followerUrls[0]}/api/v1/scheduler`, { method: 'POST', redirect: 'manual' });
    expect(response.status).toBe(307);
    expect(response.headers.get('location')).toBe(`${mesos.url.replace('http:', '')}/master/api/v1/scheduler`);
  });

  test('the views show what is there', async () => {
    const probe = await subscribeProbe(mesos.url);
    await launchOnce(probe, (id) => [commandTask(id, 't', 'x', forever)]);
    await probe.waitForState('t', 'TASK_RUNNING');
    const state = (await (await fetch(`${mesos.url}/master/state`)).json()) as Record<string, unknown>;
    expect(state).toMatchObject({ activated_slaves: 2, frameworks: [{ id: probe.frameworkId, tasks: [{ id: 't' }] }] });
    expect((await fetch(`${mesos.url}/health`)).status).toBe(200);
  });
});

/** The uuid of an update, read off its record by whoever cannot decode it: base64. */
function uuidIn(record: Uint8Array, contentType: ContentType): string {
  const bytes = Buffer.from(record);
  if (contentType === 'application/json') return /"uuid":"([^"]+)"/.exec(bytes.toString())?.[1] ?? '';
  // Of the status: field 9, the source, is 2, an executor; field 11 has 16 bytes.
  const at = bytes.indexOf(Buffer.from([9 << 3, 2, (11 << 3) | 2, 16])) + 4;
  return bytes.subarray(at, at + 16).toString('base64');
}
