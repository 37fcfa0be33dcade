import { startLocalMesos } from '../src/local-mesos.ts';

/** A cluster in a process of its own, for a test to kill: `node <bundle> <dataDir>`. Tells where it is in one line of JSON. */
const [dataDir = ''] = process.argv.slice(2);

startLocalMesos({ dataDir, agents: [{ cpus: 4, memMb: 1024, diskMb: 1024 }] })
  .then(({ url, agentIds }) => process.stdout.write(`${JSON.stringify({ url, agentIds })}\n`))
  .catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  });
