import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { alertCases, type AlertCase } from './alert-cases.ts';
import { alertsOf, readRuleGroups } from './rules.ts';

const root = resolve(import.meta.dirname, '../../..');
const prometheus = join(root, 'deploy/prometheus');
const { JUICE_TEST_PROMTOOL: promtool } = process.env;

test('every alert has a case in which it fires, one in which it does not, and a severity', async () => {
  const groups = await readRuleGroups(root);
  expect(alertsOf(groups).toSorted()).toEqual(Object.keys(alertCases).toSorted());
  for (const [alert, cases] of Object.entries(alertCases)) {
    const counts = {
      alert,
      fires: cases.some(({ fires }) => fires.length > 0),
      silent: cases.some((each) => each.silent.length > 0),
    };
    expect(counts).toEqual({ alert, fires: true, silent: true });
  }
  for (const { alert, labels } of groups.flatMap(({ rules }) => rules))
    if (alert !== undefined)
      expect({ alert, severity: labels?.['severity'] }).toEqual({
        alert,
        severity: expect.stringMatching(/^(page|ticket)$/),
      });
});

if (promtool === undefined) {
  test.skip('rules by promtool: SKIPPED, JUICE_TEST_PROMTOOL is not set', () => undefined);
  console.warn("SKIPPED the rules' own tests: JUICE_TEST_PROMTOOL does not name Prometheus' promtool");
} else {
  describe('by promtool', () => {
    test('the configuration and every rule are well-formed', () => {
      const said = run(promtool, 'check', 'config', join(prometheus, 'prometheus.yml'));
      expect(said).toMatchObject({ code: 0 });
    });

    test('every alert fires when it should, and is silent otherwise', () => {
      expect(runCases(alertCases)).toMatchObject({ code: 0 });
    });

    test('a case that does not hold is noticed', () => {
      const wrong = { ...alertCases['JuiceNoLeader']?.[0], fires: ['25m'], silent: [] } as AlertCase;
      expect(runCases({ JuiceNoLeader: [wrong] })).toMatchObject({
        code: 1,
        output: expect.stringContaining('JuiceNoLeader'),
      });
    });
  });
}

function runCases(cases: Readonly<Record<string, readonly AlertCase[]>>): { code: number; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'juice-rules-'));
  try {
    const file = join(folder, 'cases.yml');
    const rule_files = readdirSync(join(prometheus, 'rules')).map((name) => join(prometheus, 'rules', name));
    const tests = Object.entries(cases).flatMap(([alert, all]) => all.map((each) => asTest(alert, each)));
    writeFileSync(file, stringify({ rule_files, evaluation_interval: '1m', tests }));
    return run(promtool ?? '', 'test', 'rules', file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Whether it fires is asked of the series that Prometheus keeps of alerts; its words are not repeated here. */
function asTest(alert: string, { series, silent, fires }: AlertCase): unknown {
  const expr = `count(ALERTS{alertname="${alert}", alertstate="firing"}) > bool 0`;
  return {
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      ...silent.map((eval_time) => ({ expr, eval_time, exp_samples: [] })),
      ...fires.map((eval_time) => ({ expr, eval_time, exp_samples: [{ labels: '{}', value: 1 }] })),
    ],
  };
}

function run(program: string, ...args: readonly string[]): { code: number; output: string } {
  try {
    return { code: 0, output: execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' }) };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number | null; stdout: string; stderr: string };
    return { code: status ?? -1, output: stdout + stderr };
  }
}
