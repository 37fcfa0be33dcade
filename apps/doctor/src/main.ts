import { parseArgs } from 'node:util';
import { loadConfig, runMain } from '@juice/runtime';
import { doctorConfigSchema } from './config.ts';
import { examineAll } from './examine-all.ts';
import { writeFinding } from './finding.ts';

const usage = `npm run doctor [-- --json]
  Looks, with the services' environment, at everything that Juice needs, and changes nothing: a line for each check
  (--json: a JSON object), with what to do where something is to be done. Exits 1 when something is wrong.
`;

/** EX_USAGE of sysexits.h. */
const usageExitCode = 64;

await runMain(async () => {
  const options = readArgs();
  if (options === null || options.help) {
    (options === null ? process.stderr : process.stdout).write(usage);
    process.exitCode = options === null ? usageExitCode : 0;
    return;
  }
  const findings = await examineAll(loadConfig(doctorConfigSchema, process.env));
  for (const finding of findings) {
    process.stdout.write(`${options.json ? JSON.stringify(finding) : writeFinding(finding)}\n`);
  }
  process.exitCode = findings.some(({ verdict }) => verdict === 'wrong') ? 1 : 0;
});

/** null, with why on stderr, when they are none of ours. */
function readArgs(): { json: boolean; help: boolean } | null {
  try {
    return parseArgs({
      options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false, short: 'h' } },
    }).values;
  } catch (error: unknown) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return null;
  }
}
