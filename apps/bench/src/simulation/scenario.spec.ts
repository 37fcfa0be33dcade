import { describe, expect, test } from '@jest/globals';
import { ConfigProblems } from '@juice/runtime';
import { parseScenario, parseTrace } from './scenario.ts';

function problemsOf(read: () => unknown): [string, string, string][] {
  try {
    read();
    return [];
  } catch (error: unknown) {
    if (!(error instanceof ConfigProblems)) throw error;
    return error.problems.map(({ variable, given, problem }) => [variable, String(given), problem]);
  }
}

const right = { minutes: 1, agents: [{ cpus: 1, memMb: 64 }], tenants: [{ id: 't' }] };

describe('a scenario', () => {
  test('needs little', () => {
    const scenario = parseScenario(right);
    expect(scenario).toMatchObject({ seed: 1, drainMinutes: 60, cluster: { allocationSeconds: 1 } });
    expect(scenario.tenants[0]).toMatchObject({ weight: 1, limits: { running: null } });
  });

  test('is told everything that is wrong with it: where, what was given, what is right', () => {
    const wrong = {
      ...right,
      minutes: 0,
      agents: [{ cpus: 'many', memMb: 64 }],
      tenant: [],
      policy: { strategy: 'pile' },
    };
    expect(problemsOf(() => parseScenario(wrong))).toEqual(
      expect.arrayContaining([
        ['minutes', '0', 'must be a number from 0.01 to 100000'],
        ['agents.0.cpus', '"many"', 'must be a number from 0.01 to 10000'],
        ['policy.strategy', '"pile"', 'must be pack or spread'],
        ['the scenario', expect.any(String), expect.stringMatching(/^must be left out: the members here are seed, /)],
      ]),
    );
  });

  test('names its tenants, each once', () => {
    const twice = { ...right, tenants: [{ id: 't' }, { id: 't' }] };
    expect(problemsOf(() => parseScenario(twice))).toEqual([
      ['tenants', JSON.stringify(twice.tenants), 'must be different from one another'],
    ]);
    const tasks = [{ atSeconds: 0, tenant: 'u', cpus: 1, memMb: 1, runSeconds: 1 }];
    expect(problemsOf(() => parseScenario({ ...right, tasks }))).toEqual([
      ['tasks.0.tenant', '"u"', 'must be the id of one of the tenants'],
    ]);
  });

  test('takes patterns that compile alone', () => {
    const constraints = [{ field: 'HOSTNAME', operator: 'LIKE', values: ['('] }];
    const tasks = [{ atSeconds: 0, tenant: 't', cpus: 1, memMb: 1, runSeconds: 1, constraints }];
    expect(problemsOf(() => parseScenario({ ...right, tasks }))).toEqual([
      ['tasks.0.constraints.0', JSON.stringify(constraints[0]), 'must be of patterns in RE2 syntax'],
    ]);
  });
});

describe('a trace', () => {
  const tenants = new Set(['t']);
  const row = { atSeconds: 1.5, tenant: 't', cpus: 1, memMb: 64, runSeconds: 2 };

  test('is JSON lines, or a JSON array', () => {
    const lines = parseTrace(`${JSON.stringify(row)}\n\n${JSON.stringify({ ...row, priority: 9 })}\n`, tenants);
    expect(lines.map(({ atSeconds, priority }) => [atSeconds, priority])).toEqual([
      [1.5, 0],
      [1.5, 9],
    ]);
    expect(parseTrace(JSON.stringify([row]), tenants)).toEqual([lines[0]]);
  });

  test('is told which line is wrong', () => {
    expect(problemsOf(() => parseTrace(`${JSON.stringify(row)}\n{"atSeconds": 1`, tenants))).toEqual([
      ['line 2', '{"atSeconds": 1', expect.stringMatching(/^must be JSON: /)],
    ]);
    expect(problemsOf(() => parseTrace(JSON.stringify({ ...row, cpus: -1 }), tenants))).toEqual([
      ['line 1: cpus', '-1', 'must be a number from 0.01 to 10000'],
    ]);
    expect(problemsOf(() => parseTrace(JSON.stringify({ ...row, tenant: 'u' }), tenants))).toEqual([
      ['line 1: tenant', 'u', 'must be the id of one of the tenants'],
    ]);
  });
});
