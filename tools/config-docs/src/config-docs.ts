import { hostname, userInfo } from 'node:os';
import { apiConfigSchema } from '@juice/api';
import { callbackConfigSchema } from '@juice/callback';
import { variablesOf, writeConfigExample, writeConfigTable } from '@juice/runtime';
import { configSchema as schedulerConfigSchema } from '@juice/scheduler';
import { format } from 'prettier';

const services = {
  api: apiConfigSchema,
  scheduler: schedulerConfigSchema,
  callback: callbackConfigSchema,
};

/** Defaults that are the machine's own: what is written must be the same everywhere. */
const ownDefaults: readonly (readonly [string, string])[] = [
  ['JUICE_MESOS_USER', userInfo().username],
  ['JUICE_PUBLIC_HOST', hostname()],
];

/** Every file that follows from the services' configuration schemas: path from the root → text. */
export async function writeConfigDocs(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const sections = Object.entries(services).map(([name, schema]) => {
    const example = `# Generated from apps/${name}/src/config.ts by \`npx nx run config-docs:write\`.\n\n`;
    files.set(`deploy/env/${name}.example.env`, withoutOwnDefaults(example + writeConfigExample(schema)));
    return `## ${name}\n\n${withoutOwnDefaults(writeConfigTable(schema)).replaceAll('| `` |', '| – |')}`;
  });
  const page = [
    '<!-- Generated from apps/*/src/config.ts by `npx nx run config-docs:write`. -->\n',
    '# Configuration\n',
    'Each service reads its environment once, at start. A variable that is missing or wrong is named, with every other one,',
    'and the process exits with 78. A blank variable is one that is not set. Durations and sizes have their unit.\n',
    ...sections,
  ].join('\n');
  files.set('docs/configuration.md', await format(page, { parser: 'markdown', printWidth: 120 }));
  const variables = [...new Set(Object.values(services).flatMap((schema) => variablesOf(schema)))].sort();
  const list = [
    '// Generated from apps/*/src/config.ts by `npx nx run config-docs:write`.\n',
    '/** Every variable that some service reads. */',
    `export const juiceVariables: readonly string[] = ${JSON.stringify(variables)};`,
  ].join('\n');
  const style = { parser: 'typescript', printWidth: 120, singleQuote: true } as const;
  files.set('libs/runtime/src/juice-variables.ts', await format(list, style));
  return files;
}

function withoutOwnDefaults(text: string): string {
  return ownDefaults.reduce(
    (written, [variable, value]) =>
      written
        .replace(`#${variable}=${value}\n`, `#${variable}=\n`)
        .replace(`\`${variable}\` | \`${value}\` |`, `\`${variable}\` | the machine's |`),
    text,
  );
}
