import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

/** A RabbitMQ of a test's own, which can be stopped and started: what it has stored, and its URL, stay the same. */
export interface RabbitProcess {
  readonly url: string;
  start(): Promise<void>;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
  /** Likewise, by kill -9. */
  kill(): Promise<void>;
}

const script = pathToFileURL(join(import.meta.dirname, '../../../scripts/rabbitmq-node.mjs')).href;
/** In a process of its own, which ends when its input does: so the node does not outlive the test, whatever ends that. */
const program = `
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
  import { freePort, startRabbitNode } from ${JSON.stringify(script)};
  const [folder, port] = process.argv.slice(1);
  const node = await startRabbitNode({ folder, port: Number(port) || await freePort() });
  console.log(JSON.stringify(node));
  if ('url' in node) {
    let how = '';
    for await (const said of process.stdin) how += said;
    await (how === 'kill' ? node.kill() : node.stop());
  }
`;

/** Starts one that keeps its data in `folder`. Rejects where there is no RabbitMQ, with the reason. */
export async function startRabbitProcess(folder: string): Promise<RabbitProcess> {
  await mkdir(folder, { recursive: true });
  let running = await run('0');
  const { url } = running;
  return {
    url,
    async start() {
      running = await run(new URL(url).port);
    },
    stop: () => running.end('stop'),
    kill: () => running.end('kill'),
  };

  async function run(port: string): Promise<{ readonly url: string; end(how: 'stop' | 'kill'): Promise<void> }> {
    const argv = ['--input-type=module', '--eval', program, folder, port];
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    const gone = once(child, 'exit');
    const lines = createInterface(child.stdout);
    const started = await new Promise<{ url?: string; skipped?: string }>((resolve) => {
      lines.once('line', (line) => resolve(JSON.parse(line) as { url?: string; skipped?: string }));
      lines.once('close', () => resolve({ skipped: 'it did not start' }));
    });
    if (started.url === undefined) throw new Error(`no RabbitMQ: ${started.skipped}`);
    return {
      url: started.url,
      async end(how) {
        child.stdin.end(how);
        await gone;
      },
    };
  }
}
