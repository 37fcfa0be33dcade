import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { brokenRules } from './broken-rules.ts';

const root = resolve(import.meta.dirname, '../../..');
type Report = readonly { readonly rule: string; readonly message: string }[];

/** What ESLint reports for each snippet, in order; a snippet that does not parse is the rule "none". */
async function lint(snippets: readonly { as: string; code: string }[]): Promise<readonly Report[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'lint-snippets.mjs')], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(snippets));
  return JSON.parse(await text(child.stdout)) as readonly Report[];
}

describe('every lint rule bites where it should, and only there', () => {
  const allowed = brokenRules.flatMap(({ rule, code, allowedAs }) =>
    allowedAs === undefined ? [] : [{ rule, code, as: allowedAs }],
  );
  let reports: readonly Report[] = [];

  beforeAll(async () => {
    reports = await lint([...brokenRules, ...allowed].map(({ as, code }) => ({ as, code })));
  }, 120_000);

  test.each(brokenRules.map((broken, at) => ({ ...broken, at })))('$why: $rule at $as', ({ rule, at }) => {
    expect(reports[at]?.map((report) => report.rule)).toContain(rule);
  });

  test.each(allowed.map((snippet, at) => ({ ...snippet, at })))('$rule is quiet at $as', ({ rule, at }) => {
    const report = reports[brokenRules.length + at] ?? [];
    expect(report.filter((found) => found.rule === rule || found.rule === 'none')).toEqual([]);
  });
});

describe('the pure libraries have no world to act on', () => {
  /** What the compiler complains about in a file under the options of a library's tsconfig.lib.json. */
  async function compile(library: string, code: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'juice-wall-'));
    try {
      await writeFile(join(folder, 'snippet.mts'), code);
      await writeFile(
        join(folder, 'tsconfig.json'),
        JSON.stringify({
          extends: join(root, 'libs', library, 'tsconfig.lib.json'),
          include: ['snippet.mts'],
          exclude: [],
        }),
      );
      return await new Promise((done) => {
        execFile(
          process.execPath,
          [join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false', '-p', folder],
          (_, stdout) => {
            done(stdout);
          },
        );
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test.each(['scheduling', 'contracts'])('%s: process, console, setTimeout and fetch do not exist', async (library) => {
    const names = ['process', 'console', 'setTimeout', 'fetch'];
    const complaints = await compile(library, `export const world = [${names.join(', ')}];\n`);
    for (const name of names) expect(complaints).toMatch(new RegExp(`error TS\\d+: Cannot find name '${name}'`));
  });

  test.each(['scheduling', 'contracts'])('%s: what is pure compiles', async (library) => {
    expect(await compile(library, 'export const world = new Map([[1, 2n]]);\n')).toBe('');
  });
});
