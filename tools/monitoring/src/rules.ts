import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** All groups of deploy/prometheus/rules, in the order of their files. */
export async function readRuleGroups(root: string): Promise<readonly RuleGroup[]> {
  const folder = join(root, 'deploy/prometheus/rules');
  const names = (await readdir(folder)).sort();
  const files = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return files.flatMap((text) => (parse(text) as { groups: readonly RuleGroup[] }).groups);
}

export function alertsOf(groups: readonly RuleGroup[]): readonly string[] {
  return groups.flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? []));
}
