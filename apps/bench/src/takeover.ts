import { startMasterProcess } from './master-process.ts';
import { subscribe } from './observed-subscription.ts';
import { sampleAccept, sampleAcknowledge } from './sample-calls.ts';

/**
 * What a takeover does to the client: so many acknowledgements handed over at once, and an ACCEPT behind them. Tells what
 * became of them, how long that took, and how long the ACCEPT was held up.
 */
export async function measureTakeover(options: {
  readonly acknowledgements: number;
  readonly tasks: number;
  readonly answerMs: readonly number[];
  readonly say: (line: string) => void;
}): Promise<void> {
  const { acknowledgements, tasks, say } = options;
  say(`\n${acknowledgements} acknowledgements handed over at once, and an ACCEPT of ${tasks} tasks behind them\n`);
  for (const answerMs of options.answerMs) {
    const master = await startMasterProcess({ kind: 'minimal', answerMs });
    const { subscription, frameworkId } = await subscribe(master.url, 'application/x-protobuf');
    const acknowledge = sampleAcknowledge(frameworkId);
    const startedMs = performance.now();
    const sinceStart = (): string => (performance.now() - startedMs).toFixed(0);
    const acknowledging = Promise.all(Array.from({ length: acknowledgements }, () => subscription.call(acknowledge)));
    const accept = await subscription.call(sampleAccept(frameworkId, tasks));
    const accepted = `ACCEPT ${accept.kind} after ${sinceStart()} ms`;
    const count = (await acknowledging).filter(({ kind }) => kind === 'accepted').length;
    say(`answered after ${answerMs} ms: ${accepted}, ${count} acknowledgements accepted after ${sinceStart()} ms`);
    subscription.close();
    await master.stop();
  }
}
