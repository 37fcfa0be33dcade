// The test command (`npm test`): formatting, then lint, type check, tests and build of every project, with a private
// RabbitMQ node, ZooKeeper's program and Prometheus' promtool for the tests that need them. Everything runs even when something fails; the exit
// code and the last line tell. Totals are read from Jest's own summaries, so they are right for results that nx restores from its cache too.
import { spawn } from 'node:child_process';
import { ensureInstalled } from './debian-package.mjs';
import { startRabbitNode } from './rabbitmq-node.mjs';
import { countTests } from './count-tests.mjs';

const isCI = process.env.CI === 'true';
// A test that fails may leave a server listening, and Jest waits for it without end: better a run that says so.
const limitMinutes = 40;
const problems = [];
let node = null;
const running = new Set();

// The node must not outlive an interrupted run; what runs now is told to end as well.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal);
    void node?.stop?.().finally(() => process.exit(1));
    if (node === null) process.exit(1);
  });
}

setTimeout(() => {
  problems.push(`the run did not end within ${limitMinutes} minutes: see what Jest said last of each project`);
  for (const child of running) child.kill('SIGTERM');
}, limitMinutes * 60_000).unref();

heading('format');
if ((await run('prettier', ['--check', '.'])).code !== 0) problems.push('format: run npm run format');

heading('RabbitMQ');
const started = await startRabbitNode();
// By default nx shares one cache between all checkouts of a repository in the home folder: another's `nx reset` ends
// this run, and its results pass for ours.
const env = { NX_CACHE_DIRECTORY: '.nx/cache', ...process.env };
if ('url' in started) {
  node = started;
  env.JUICE_TEST_AMQP_URL = started.url;
  console.log(`RabbitMQ ${started.version} at ${started.url}`);
} else {
  delete env.JUICE_TEST_AMQP_URL;
  console.log(`NO RabbitMQ: ${started.skipped}`);
  if (isCI) problems.push(`RabbitMQ: ${started.skipped}`);
}

heading('ZooKeeper');
// The tests start servers of their own from it, which takes a third of a second each.
const zookeeper = '/usr/share/java/zookeeper.jar';
const noZooKeeper = ensureInstalled(['/usr/bin/java', zookeeper], 'default-jre-headless', 'libzookeeper-java');
if (noZooKeeper === null) {
  env.JUICE_TEST_ZOOKEEPER = zookeeper;
  console.log(`ZooKeeper from ${zookeeper}`);
} else {
  delete env.JUICE_TEST_ZOOKEEPER;
  console.log(`NO ZooKeeper: ${noZooKeeper}`);
  if (isCI) problems.push(`ZooKeeper: ${noZooKeeper}`);
}

heading('Prometheus');
// Its promtool tells whether the rules of deploy/prometheus say what they are meant to.
const promtool = '/usr/bin/promtool';
const noPromtool = ensureInstalled([promtool], 'prometheus');
if (noPromtool === null) {
  env.JUICE_TEST_PROMTOOL = promtool;
  console.log(`promtool from ${promtool}`);
} else {
  delete env.JUICE_TEST_PROMTOOL;
  console.log(`NO promtool: ${noPromtool}`);
  if (isCI) problems.push(`promtool: ${noPromtool}`);
}

heading('build');
const nx = (...args) => run('nx', [...args, '--outputStyle=static'], env);
const built = await nx('run-many', '-t', 'build', '--parallel=2');

heading('lint, typecheck, test');
// The tests of whole systems take longest: beside all others, from the beginning.
const checked = await Promise.all([
  nx('run-many', '-t', 'lint', 'typecheck', 'test', '--exclude=e2e', '--parallel=2'),
  nx('run', 'e2e:test'),
]);
await node?.stop();
const tests = { passed: 0, failed: 0, skipped: 0 };
for (const { code, output } of [built, ...checked]) {
  const counted = countTests(output);
  for (const kind of Object.keys(tests)) tests[kind] += counted[kind];
  if (code !== 0) problems.push(...failedTasks(output));
  else if (counted.failed > 0) problems.push('test: failures in a run that nx counts as successful');
}
for (const { output } of checked) if (countTests(output).passed === 0) problems.push('test: no test ran');

heading('result');
const skips = checked.flatMap(({ output }) => output.match(/^.*SKIPPED .*$/gm) ?? []);
for (const line of new Set(skips)) console.log(line.trim());
for (const problem of new Set(problems)) console.log(`FAILED ${problem}`);
if (tests.skipped > 0) console.log(`${tests.skipped} skipped`);
console.log(`${tests.passed} passed, ${tests.failed} failed`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** Runs one of the workspace's programs; its output is shown as it comes and returned without colours. */
function run(program, args, environment = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(`node_modules/.bin/${program}`, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    const chunks = [];
    for (const [stream, target] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream.on('data', (chunk) => {
        chunks.push(chunk);
        target.write(chunk);
      });
    }
    child.once('error', reject);
    child.once('close', (exitCode) => {
      running.delete(child);
      resolve({
        code: exitCode ?? 1,
        output: Buffer.concat(chunks)
          .toString()
          .replaceAll(/\x1b\[[0-9;]*m/g, ''),
      });
    });
  });
}

/** The tasks nx lists at the end of its output, `- project:target`. */
function failedTasks(output) {
  const failed = /^\s*Failed tasks:\s*$([\s\S]*)/m.exec(output)?.[1]?.match(/^\s*- \S+:\S+/gm) ?? [];
  return failed.length === 0 ? ['nx run-many: see its output'] : failed.map((line) => line.trim().slice(2));
}

function heading(words) {
  console.log(`\n=== ${words} ===\n`);
}
