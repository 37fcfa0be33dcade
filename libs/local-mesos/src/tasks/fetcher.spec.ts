import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { CommandInfoURI } from '@juice/mesos';
import { fetchAll } from './fetcher.ts';

// What Mesos' fetcher does with a URI: which name the file gets, what is unpacked and where, what is made a program.

/** Each holds `inner.txt`, which says "inside". */
const packed = {
  'tar.gz':
    'H4sIAAAAAAAAA8vMy0st0iupKGGgHTAAAjMTEzANBOg0SBaJDRQ3NDIzM2VQMKChm+CgtLgksQhofVF+Pt4wICSP7rkhAjLzijNTUgfaFaNgFIyCUTAK6A0AR6w4uAAIAAA=',
  'tar.bz2':
    'QlpoOTFBWSZTWUMUr4IAADf7kMmAAEBAAXcAAIBmIZ5ABAAACCAAVDUaEyaNG0mA1BJKekGg9QBoFFc+3yKwFEoYzphO1AwmT5OhGsoYTml8z1xGQna18/IxwMaGsUo/fATvaTNSvxdyRThQkEMUr4I=',
  'tar.xz':
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4Af/AFJdADSbrMp1OKpgY0N4dvPbS3cor17RzU7GJV96riDQiJBf2SQyFizf2pWDY0yf9PqGUevfwf+yF/Q/6youLnUC2SgHBODqSF2HES0pxTfa3rXq0QAAAAA9VKeJ3Pln4AABboAQAAAA+l1UELHEZ/sCAAAAAARZWg==',
  zip: 'UEsDBAoAAAAAADsWeV208v66BgAAAAYAAAAJAAAAaW5uZXIudHh0aW5zaWRlUEsBAh4DCgAAAAAAOxZ5XbTy/roGAAAABgAAAAkAAAAAAAAAAQAAAKSBAAAAAGlubmVyLnR4dFBLBQYAAAAAAQABADcAAAAtAAAAAAA=',
  gz: 'H4sIAAAAAAACA8vMK85MSQUAtPL+ugYAAAA=',
} as const;
const bytesOf = (kind: keyof typeof packed): Buffer => Buffer.from(packed[kind], 'base64');
const archives: Readonly<Record<string, Buffer>> = {
  'a.tar': gunzipSync(bytesOf('tar.gz')),
  'a.tar.gz': bytesOf('tar.gz'),
  'a.tgz': bytesOf('tar.gz'),
  'a.tar.bz2': bytesOf('tar.bz2'),
  'a.tbz2': bytesOf('tar.bz2'),
  'a.tar.xz': bytesOf('tar.xz'),
  'a.txz': bytesOf('tar.xz'),
  'a.zip': bytesOf('zip'),
  'inner.txt.gz': bytesOf('gz'),
};

const toolPath = process.env['PATH'] ?? '';
const isHere = (tool: string): boolean => toolPath.split(delimiter).some((folder) => existsSync(join(folder, tool)));

let server: Server;
let base: string;
let folder: string;
let sandbox: string;
const served: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    served.push(request.url ?? '');
    const name = (request.url ?? '').split('/').at(-1) ?? '';
    if (request.url === '/partial') return void response.writeHead(206).end('half');
    if (request.url === '/moved') return void response.writeHead(302, { location: '/plain' }).end();
    response.end(archives[name.replace(/\?.*$/, '')] ?? 'plain');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  served.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'local-mesos-fetcher-'));
  sandbox = join(folder, 'sandbox');
  mkdirSync(sandbox);
});

afterEach(() => rmSync(folder, { recursive: true }));

/** null when all went well; else what the sandbox's `stderr` would say. */
async function fetched(uris: readonly CommandInfoURI[], path = toolPath): Promise<string | null> {
  const place = { sandbox, cacheFolder: join(folder, 'cache'), path, signal: new AbortController().signal };
  return fetchAll(uris, place).then(
    () => null,
    (error: Error) => error.message,
  );
}

const content = (name: string): string => readFileSync(join(sandbox, name), 'utf8');

describe('archives', () => {
  // Beside tar itself, what tar calls: an agent without it fails such a task too.
  const needs: Readonly<Record<string, string>> = { bz2: 'bzip2', xz: 'xz', zip: 'unzip' };

  test.each(Object.keys(archives))('%s is unpacked into the sandbox, beside itself', async (name) => {
    const tool = needs[/(bz2|xz|zip)$/.exec(name)?.[0] ?? ''];
    const problem = await fetched([{ value: `${base}/${name}` }]);
    if (tool !== undefined && !isHere(tool)) {
      expect(problem).toContain(tool);
      return;
    }
    expect(problem).toBeNull();
    expect(content('inner.txt')).toBe('inside');
    expect(readdirSync(sandbox).toSorted()).toEqual([name, 'inner.txt'].toSorted());
  });

  test('the name it is given tells, and it is unpacked into the sandbox wherever it is put', async () => {
    const uris = [
      { value: `${base}/a.tar.gz`, output_file: 'kept/as-it-is' },
      { value: `${base}/inner.txt.gz`, output_file: 'kept/renamed.gz' },
    ];
    expect(await fetched(uris)).toBeNull();
    expect(readdirSync(sandbox).toSorted()).toEqual(['kept', 'renamed']);
    expect(content('renamed')).toBe('inside');
  });

  test('not when it is not wanted, nor what is to be run', async () => {
    const uris = [
      { value: `${base}/a.tgz`, extract: false },
      { value: `${base}/a.tar`, executable: true, extract: true },
    ];
    expect(await fetched(uris)).toBeNull();
    expect(readdirSync(sandbox).toSorted()).toEqual(['a.tar', 'a.tgz']);
    expect(statSync(join(sandbox, 'a.tar')).mode & 0o777).toBe(0o755);
  });

  test('of a cached one the sandbox holds what was in it alone; it is downloaded once', async () => {
    const uri = { value: `${base}/a.tar.gz`, cache: true };
    expect(await fetched([uri])).toBeNull();
    expect(readdirSync(sandbox)).toEqual(['inner.txt']);
    expect(await fetched([{ ...uri, extract: false, output_file: 'whole' }])).toBeNull();
    expect(readFileSync(join(sandbox, 'whole')).equals(bytesOf('tar.gz'))).toBe(true);
    expect(served).toEqual(['/a.tar.gz']);
  });

  test.each([
    ['a.tar.gz', 'tar'],
    ['a.zip', 'unzip'],
    ['inner.txt.gz', 'gunzip'],
  ])('%s on a machine without %s fails and says so', async (name, tool) => {
    expect(await fetched([{ value: `${base}/${name}` }], sandbox)).toMatch(
      new RegExp(`${name}: to unpack it there must be '${tool}' on this machine, and there is none$`),
    );
  });

  test('a broken one fails with what the tool says of it', async () => {
    writeFileSync(join(folder, 'broken.tar'), 'no archive at all, and long enough to be looked at'.repeat(40));
    expect(await fetched([{ value: join(folder, 'broken.tar') }])).toMatch(
      /broken\.tar: tar ended with status \d+: .+/,
    );
  });
});

describe('names', () => {
  test('are what follows the last slash, as it is written', async () => {
    const uris = [{ value: `${base}/x/a%20b` }, { value: `${base}/a.tar.gz?x=1` }];
    expect(await fetched(uris)).toBeNull();
    // A query is part of the name, so that it does not end like an archive's.
    expect(readdirSync(sandbox).toSorted()).toEqual(['a%20b', 'a.tar.gz?x=1']);
  });

  test('of this machine are taken as they are written, too', async () => {
    writeFileSync(join(folder, 'a%20b'), 'here');
    expect(
      await fetched([
        { value: `file://${folder}/a%20b` },
        { value: `file://localhost${folder}/a%20b`, output_file: 'c' },
      ]),
    ).toBeNull();
    expect([content('a%20b'), content('c')]).toEqual(['here', 'here']);
  });

  test.each([
    ['http://host', 'Malformed URI (missing path)'],
    ['http://host/', 'Malformed URI (missing path)'],
    ["http://host/it's", 'Illegal characters in URI'],
    ['http://host/a/..', 'no file name inside the sandbox'],
    ['file://host/a', 'a path must be absolute'],
    ['ftp://host/a', "no fetcher for 'ftp:'"],
  ])('%s cannot be fetched', async (value, why) => {
    expect(await fetched([{ value }])).toContain(`${value}: `);
    expect(await fetched([{ value }])).toContain(why);
    expect(readdirSync(sandbox)).toEqual([]);
  });

  test('of what has none of its own must be given', async () => {
    expect(await fetched([{ value: `${base}/folder/` }])).toContain('no file name inside the sandbox');
    expect(await fetched([{ value: `${base}/folder/`, output_file: 'index' }])).toBeNull();
    expect(content('index')).toBe('plain');
  });
});

test('only a whole answer is a file; where it is now does not matter', async () => {
  expect(await fetched([{ value: `${base}/partial` }])).toContain('answered 206');
  expect(await fetched([{ value: `${base}/moved` }])).toBeNull();
  expect(content('moved')).toBe('plain');
});
