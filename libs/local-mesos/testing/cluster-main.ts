import { startLocalMesos, type LocalMesosOptions } from '../src/local-mesos.ts';

/**
 * What `startClusterProcess` runs: `node <bundle> <options as JSON>`. Tells where it is in one line of JSON; told to end,
 * it ends its tasks first.
 */
const [, , options = ''] = process.argv;

startLocalMesos(JSON.parse(options) as LocalMesosOptions)
  .then(({ url, agentIds, stop }) => {
    process.stdout.write(`${JSON.stringify({ url, agentIds })}\n`);
    process.once('SIGTERM', () => void stop().then(() => process.exit(0)));
  })
  .catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  });
