import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { commandTask, launchOnce, subscribeProbe } from '../testing/scheduler-probe.ts';
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
