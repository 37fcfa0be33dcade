import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openExecutorTrial, type ExecutorTrial } from '../../testing/executor-trial.ts';

let trial: ExecutorTrial;

beforeEach(() => {
  trial = openExecutorTrial();
});

afterEach(() => trial.close());

describe('URIs', () => {
  let server: Server;
  let base: string;
  let served: number;

  beforeEach(async () => {
    served = 0;
    server = createServer((request, response) => {
      served += 1;
      if (request.url === '/hello.sh') response.end('#!/bin/sh\necho fetched $1 $GREETING\n');
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test('an executable over HTTP, run as a relative path', async () => {
    const environment = { variables: [{ name: 'GREETING', value: 'hi' }] };
    const uris = [{ value: `${base}/hello.sh`, executable: true }];
    trial.launch({
      command: { shell: false, value: './hello.sh', arguments: ['hello.sh', 'world'], uris, environment },
    });
    expect(await trial.ended()).toMatchObject({ exit: 0 });
    expect(trial.output()).toBe('fetched world hi\n');
  });

  test('archives are unpacked, unless they are not to be; files get the name they are given', async () => {
    writeFileSync(join(trial.folder, 'inner.txt'), 'inside');
    execFileSync('tar', ['-C', trial.folder, '-czf', join(trial.folder, 'a.tar.gz'), 'inner.txt']);
    const uris = [
      { value: `file://${join(trial.folder, 'a.tar.gz')}` },
      { value: join(trial.folder, 'a.tar.gz'), extract: false, output_file: 'kept/b.tar.gz' },
    ];
    trial.launch({ command: { value: 'cat inner.txt; ls kept', uris } });
    await trial.ended();
    expect(trial.output()).toBe('insideb.tar.gz\n');
  });

  test('a cached file is downloaded once', async () => {
    const uris = [
      { value: `${base}/hello.sh`, cache: true, output_file: 'one' },
      { value: `${base}/hello.sh`, cache: true, output_file: 'two' },
    ];
    trial.launch({ command: { value: 'cmp one two', uris } });
    expect(await trial.ended()).toMatchObject({ exit: 0 });
    expect(served).toBe(1);
  });

  test.each([
    ['a file that is not there', { value: 'file:///no/such/file' }],
    ['a path out of the sandbox', { value: 'file:///etc/hostname', output_file: '../../out' }],
    ['an absolute path', { value: 'file:///etc/hostname', output_file: '/tmp/out' }],
    ['a scheme nobody fetches', { value: 'ftp://host/file' }],
    ['a relative path', { value: 'some/file' }],
  ])('%s fails the launch in the words of Mesos', async (_name, uri) => {
    trial.launch({ command: { value: 'true', uris: [uri] } });
    expect(await trial.ended()).toEqual({
      kind: 'failed',
      message: "Failed to launch container: Failed to fetch all URIs for container 'C': exited with status 1",
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    });
    expect(trial.output('stderr')).not.toBe('');
  });

  test('a 404 fails too', async () => {
    trial.launch({ command: { value: 'true', uris: [{ value: `${base}/nope` }] } });
    expect(await trial.ended()).toMatchObject({ kind: 'failed' });
  });

  test('a launch that is given up while it fetches never starts', async () => {
    server.removeAllListeners('request');
    const asked = new Promise<void>((resolve) => server.once('request', () => resolve()));
    trial.launch({ command: { value: 'touch ran', uris: [{ value: `${base}/slow` }] } });
    await asked;
    trial.executor.force('C');
    expect(await trial.ended()).toMatchObject({ kind: 'failed' });
    expect(existsSync(trial.sandboxFile('ran'))).toBe(false);
  });
});
