import type { z } from 'zod';
import { hideCredentials } from './hide-credentials.ts';
import { settingsOf, type Setting } from './setting-list.ts';

/** One variable that is missing or wrong. */
export interface ConfigProblem {
  readonly variable: string;
  /** As it was given; null when it is not set, or secret. */
  readonly given: string | null;
  /** What is wrong and what would be right. */
  readonly problem: string;
}

/** The environment cannot be used. The message lists every problem, one line each; `main.ts` prints it and exits 78. */
export class ConfigProblems extends Error {
  readonly code = 'CONFIG_PROBLEMS';
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    super(['The configuration cannot be used:', ...problems.map(writeProblem)].join('\n'));
    this.problems = problems;
  }
}

/**
 * Reads an app's configuration from its environment: every key of the schema from the variable of the same name in
 * capitals (`mongoUrl` → `MONGO_URL`, or as the key's metadata says). A variable that is set but blank counts as not
 * set, as compose files and manifests write it. Throws ConfigProblems with *all* problems; an unparsable value is never
 * replaced by a default. Contradictions between variables (a refinement of the whole schema) are judged once every
 * single variable is right. The result is frozen.
 */
export function loadConfig<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<z.output<z.ZodObject<Shape>>> {
  const settings = settingsOf(schema);
  const given = new Map<string, string>();
  for (const setting of settings) {
    const value = env[setting.variable]?.trim();
    if (value !== undefined && value !== '') given.set(setting.key, value);
  }
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (parsed.success) return Object.freeze(parsed.data);
  const byKey = new Map(settings.map((setting) => [setting.key, setting]));
  throw new ConfigProblems(
    parsed.error.issues.map((issue) => {
      const setting = byKey.get(String(issue.path[0]));
      return toProblem(setting, setting === undefined ? undefined : given.get(setting.key), issue.message);
    }),
  );
}

/** What the start-up line shows: every variable with its value; secrets only as set or not, URLs without credentials. */
export function describeConfig<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  config: Readonly<z.output<z.ZodObject<Shape>>>,
): Readonly<Record<string, unknown>> {
  const values = new Map<string, unknown>(Object.entries(config));
  return Object.fromEntries(
    settingsOf(schema).map((setting) => {
      const value = values.get(setting.key);
      if (setting.facts.secret === true) return [setting.variable, { set: value !== undefined && value !== null }];
      return [setting.variable, show(value)];
    }),
  );
}

function show(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(show);
  return typeof value === 'string' ? hideCredentials(value) : value;
}

function toProblem(setting: Setting | undefined, given: string | undefined, message: string): ConfigProblem {
  if (setting === undefined) return { variable: '(several)', given: null, problem: message };
  const { expects, kind, secret } = setting.facts;
  if (given === undefined) {
    // A refinement of the whole schema may blame a variable that has a default: then what it says is the problem.
    const missing = expects === undefined ? 'is not set' : `is not set: must be ${expects}`;
    return { variable: setting.variable, given: null, problem: setting.isRequired ? missing : message };
  }
  const isShown = secret !== true || (kind === 'url' && given.includes('://'));
  return { variable: setting.variable, given: isShown ? hideCredentials(given) : null, problem: message };
}

function writeProblem({ variable, given, problem }: ConfigProblem): string {
  return given === null ? `  ${variable}: ${problem}` : `  ${variable} is ${JSON.stringify(given)}: ${problem}`;
}
