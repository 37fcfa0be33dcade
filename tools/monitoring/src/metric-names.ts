import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMetrics } from '@juice/observability';

const words = new Set('and or unless by without on ignoring group_left group_right offset bool'.split(' '));

/** The names of the metrics that a PromQL expression reads. */
export function metricsIn(expression: string): readonly string[] {
  const bare = expression
    .replaceAll(/"[^"]*"|'[^']*'/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
    .replaceAll(/\boffset\s+\w+/g, ' ');
  const names = [...bare.matchAll(/(?<![\w:.])[a-zA-Z_][\w:]*(?!\s*\()(?![\w:])/g)].map(([name]) => name);
  return [...new Set(names)].filter((name) => !words.has(name));
}

/**
 * What the three services export: their own metrics as their sources declare them (a literal name after `name:` or as the
 * first argument of `gauge`), with a histogram's three series, and the process's as prom-client says.
 */
export async function exportedMetrics(root: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>(['up']);
  for (const { name, type } of await createMetrics('any', { processMetrics: true }).registry.getMetricsAsJSON())
    add(names, name, String(type) === 'histogram');
  for (const app of ['api', 'scheduler', 'callback']) {
    for (const file of await readdir(join(root, 'apps', app, 'src'), { recursive: true })) {
      if (!file.endsWith('.ts') || file.endsWith('.spec.ts')) continue;
      const source = await readFile(join(root, 'apps', app, 'src', file), 'utf8');
      for (const [, kind, name] of source.matchAll(/(\w+)\((?:\{\s*name:)?\s*'(juice_\w+)'/g))
        if (name !== undefined) add(names, name, kind === 'histogram');
    }
  }
  return names;
}

function add(names: Set<string>, name: string, isHistogram: boolean): void {
  for (const ending of isHistogram ? ['_bucket', '_sum', '_count'] : ['']) names.add(name + ending);
}
