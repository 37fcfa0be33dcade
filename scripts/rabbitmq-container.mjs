// RabbitMQ for the tests as a container, where there is no Debian package to be had and a Docker (or Podman under its name) is.
import { execFileSync, spawn, spawnSync } from 'node:child_process';

/** Of the version that docker-compose.yml has. */
const image = 'rabbitmq:4.1-alpine';
const inside = { data: '/var/lib/rabbitmq', config: '/etc/rabbitmq/conf.d/90-juice.conf', port: 5672 };

/** null when containers of the image can be started, now that it was pulled if it was missing; otherwise why not. */
export function ensureImage() {
  const engine = docker('version', '--format', '{{.Server.Version}}');
  if (engine.status !== 0) return 'there is no Docker that answers';
  if (docker('image', 'inspect', image).status === 0) return null;
  console.log(`pulling ${image}`);
  const pulled = docker('pull', '--quiet', image);
  return pulled.status === 0 ? null : `${image} cannot be pulled: ${String(pulled.stderr).trim()}`;
}

/**
 * Starts one on this port, which keeps its data in `data` and has `config` beside the image's own; its lines are those of the process
 * that is returned, SIGTERM to that stops it. `killNow`: kill -9, at once.
 */
export function spawnContainer({ port, data, config }) {
  const name = `juice-test-${port}`;
  const { uid, gid } = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const args = [
    ...['run', '--rm', '--name', name, '--hostname', name, '--user', `${uid}:${gid}`],
    ...['--publish', `127.0.0.1:${port}:${inside.port}`],
    ...['--volume', `${data}:${inside.data}`, '--volume', `${config}:${inside.config}:ro`],
    image,
  ];
  const node = spawn('docker', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const killNow = () => {
    try {
      execFileSync('docker', ['kill', '--signal', 'KILL', name], { stdio: 'ignore' });
    } catch {
      // Gone already: that is what was wanted.
    }
  };
  return { node, killNow };
}

function docker(...args) {
  return spawnSync('docker', args, { encoding: 'utf8', timeout: 600_000 });
}
