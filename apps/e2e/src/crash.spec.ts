import { expect, test } from '@jest/globals';
import { isEndState, type TaskId } from '@juice/contracts';
import { until } from '@juice/trial';
import { startTrialRun } from './trial-run.ts';

/**
 * kill -9 with tasks waiting, running and callbacks undelivered: every accepted task ends, and its end is called back.
 * What was running died with the embedded cluster and runs again as another attempt: at most one run an attempt.
 */
test('kill -9 loses no accepted task and no end', async () => {
  const isDown = { value: true };
  const run = await startTrialRun({ answer: () => (isDown.value ? 503 : 200) });
  try {
    const callbackUrl = run.receiver.url;
    const submitted: TaskId[] = [];
    const submit = async (commands: string, count: number): Promise<void> => {
      for (let at = 0; at < count; at += 1) {
        submitted.push(await run.tenant().submit({ taskName: 'crashed', callbackUrl, commands }));
      }
    };
    // Ended before the crash, their callbacks refused; running during it; waiting behind those.
    await submit('true', 5);
    await until('the first callbacks to be refused', () => run.receiver.received.length >= 5);
    await submit(`echo run >> ${run.folder}/running; sleep 2`, 20);
    await until('tasks to run', async () => (await run.lines('running')).length > 0);
    await submit('true', 20);
    await run.crashAndRestart();
    isDown.value = false;
    await until(
      'all to end',
      async () => (await run.tenant().find(submitted)).every(({ taskStatus }) => isEndState(taskStatus)),
      { withinMs: 90_000 },
    );
    const tasks = await run.tenant().find(submitted);
    expect(tasks).toHaveLength(submitted.length);
    const endsTold = (): number =>
      submitted.filter((taskId) => run.callbacksOf(taskId).some(({ result }) => result === 'FINISHED')).length;
    // The breaker has opened, and a probe that came before the receiver was up doubles its time.
    await until('every end to be called back', () => endsTold() === submitted.length, { withinMs: 120_000 });
    for (const taskId of submitted) {
      const accepted = run.callbacksOf(taskId).map(({ sequence }) => sequence);
      // A repeat of the last one is legal (a crash between answer and record), going back is not.
      expect(accepted).toEqual([...accepted].sort((a, b) => a - b));
    }
  } finally {
    await run.close();
  }
}, 300_000);
