import { format } from 'prettier';
import { stringify } from 'yaml';
import { writeDashboard } from './dashboard.ts';
import { readRuleGroups } from './rules.ts';

/** Every file that follows from the panels and the rules: path from the root → text. */
export async function writeMonitoringFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'juice', labels: { 'app.kubernetes.io/part-of': 'juice' } },
    spec: { groups: await readRuleGroups(root) },
  };
  const about = '# Generated from deploy/prometheus/rules by `npx nx run monitoring:write`.\n';
  const style = { printWidth: 120, singleQuote: true };
  return new Map([
    ['deploy/grafana/dashboards/juice.json', await format(writeDashboard(), { ...style, parser: 'json' })],
    [
      'deploy/kubernetes/components/monitoring/prometheus-rule.yaml',
      await format(about + stringify(rule), { ...style, parser: 'yaml' }),
    ],
  ]);
}
