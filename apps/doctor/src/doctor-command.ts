import { parseArgs } from 'node:util';
import { loadConfig } from '@juice/runtime';
import { doctorConfigSchema } from './config.ts';
import { examineAll, type ExamineOptions } from './examine-all.ts';
import { writeFinding } from './finding.ts';

const usage = `npm run doctor [-- --json]
  Looks, with the services' environment, at everything that Juice needs, and changes nothing: a line for each check
  (--json: a JSON object), with what to do where something is to be done. Exits with 1 when something is wrong.`;

/** EX_USAGE of sysexits.h. */
const usageExitCode = 64;

export interface DoctorHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  say(line: string): void;
  complain(line: string): void;
}

/** The exit code: 1 when a check found something wrong. Throws ConfigProblems. */
export async function runDoctor(args: readonly string[], host: DoctorHost, options?: ExamineOptions): Promise<number> {
  const asked = readArgs(args, host);
  if (asked === null) return usageExitCode;
  if (asked.help) {
    host.say(usage);
    return 0;
  }
  const findings = await examineAll(loadConfig(doctorConfigSchema, host.env), options);
  for (const finding of findings) host.say(asked.json ? JSON.stringify(finding) : writeFinding(finding));
  return findings.some(({ verdict }) => verdict === 'wrong') ? 1 : 0;
}

/** null, with why told, when they are none of ours. */
function readArgs(args: readonly string[], host: DoctorHost): { json: boolean; help: boolean } | null {
  const options = {
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false, short: 'h' },
  } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error: unknown) {
    host.complain(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return null;
  }
}
