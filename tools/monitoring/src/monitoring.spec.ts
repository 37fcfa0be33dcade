import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { exportedMetrics, metricsIn } from './metric-names.ts';
import { writeMonitoringFiles } from './monitoring-files.ts';
import { panelSections } from './panels.ts';
import { alertsOf, readRuleGroups } from './rules.ts';

const root = resolve(import.meta.dirname, '../../..');
const runbook = await readFile(resolve(root, 'docs/operations.md'), 'utf8');
const groups = await readRuleGroups(root);
const rules = groups.flatMap((group) => group.rules);

/** RabbitMQ's, from its plugin rabbitmq_prometheus. */
const brokerMetrics = [
  'rabbitmq_queue_messages',
  'rabbitmq_alarms_memory_used_watermark',
  'rabbitmq_alarms_free_disk_space_watermark',
];

test('the dashboard and the rules for Kubernetes are what their sources say', async () => {
  for (const [path, text] of await writeMonitoringFiles(root)) {
    const written = await readFile(resolve(root, path), 'utf8');
    // When this fails: npx nx run monitoring:write
    expect({ path, text: written }).toEqual({ path, text });
  }
});

describe('metrics', () => {
  test('every one that a rule or a panel reads is exported by a service, or recorded by a rule', async () => {
    const known = new Set([...(await exportedMetrics(root)), ...brokerMetrics, ...rules.map(({ record }) => record)]);
    const panels = Object.values(panelSections).flat();
    const expressions = [...rules.map(({ expr }) => expr), ...panels.flatMap(({ targets }) => Object.values(targets))];
    const read = expressions.flatMap(metricsIn);
    expect(read).toEqual(expect.arrayContaining(['juice_scheduler_leader', 'juice:tasks_live:max', ...brokerMetrics]));
    expect(read.filter((name) => !known.has(name))).toEqual([]);
    expect(rules.flatMap(({ record }) => record ?? []).filter((name) => !read.includes(name))).toEqual([]);
  });

  test('what a panel calls an alarm is where an alert of the same metric begins', () => {
    const thresholdsIn = (expr: string): number[] =>
      [...expr.matchAll(/>\s*([\d.]+)(?:\s*\*\s*(\d+))?/g)].map(
        ([, factor, times = '1']) => Number(factor) * Number(times),
      );
    const alarming = Object.values(panelSections)
      .flat()
      .filter(({ alarmAbove }) => alarmAbove !== undefined);
    expect(alarming.length).toBeGreaterThan(0);
    for (const { title, targets, alarmAbove } of alarming) {
      const metrics = Object.values(targets).flatMap(metricsIn);
      const begins = rules.flatMap(({ alert, expr }) => {
        const isOfThis = alert !== undefined && metricsIn(expr).some((name) => metrics.includes(name));
        return isOfThis ? thresholdsIn(expr) : [];
      });
      expect({ title, begins }).toEqual({ title, begins: expect.arrayContaining([alarmAbove]) });
    }
  });

  test('the names are found in an expression, and nothing else', () => {
    const expression =
      'sum by (route) (rate(a_total{b="c_total"}[5m])) > 0.05 * max(d:e offset 1h) unless on (f) g_seconds';
    expect(metricsIn(expression)).toEqual(['a_total', 'd:e', 'g_seconds']);
  });

  test('operations.md explains exactly those of Juice that are exported', async () => {
    const names = [...(await exportedMetrics(root))].filter((name) => name.startsWith('juice_'));
    const exported = new Set(names.map((name) => name.replace(/(?<=_(?:seconds|size))_(bucket|sum|count)$/, '')));
    const table = runbook.slice(runbook.indexOf('\n## Metrics'), runbook.indexOf('\n## Log'));
    const explained = new Set([...table.matchAll(/`(juice_\w+)(?:\{[^`]*\})?`/g)].map(([, name]) => name));
    expect([...explained].toSorted()).toEqual([...exported].toSorted());
  });
});

test('every alert has its section in operations.md, and every such section an alert', () => {
  const sections = [...runbook.matchAll(/^### (Juice\w+)$/gm)].map(([, name]) => name);
  expect(sections.toSorted()).toEqual(alertsOf(groups).toSorted());
});
