// `npm run audit`: what is known to be wrong with the packages of the lock file. Fails for whatever runs in production, from
// `moderate` up; what only builds and tests is told, and fails from `high` up. A registry that has no advisories (a mirror,
// say) is no pass: it is told as such and exits with 2. Not part of `npm test`: an advisory of today must not fail the
// commit of yesterday, and the machines that test need not reach the registry. CI runs it after the tests, for its words.
import { spawnSync } from 'node:child_process';

/** A registry that is out of reach is asked again and again by npm. */
const longestMs = 60_000;

const production = audit('what runs in production', 'moderate', '--omit=dev');
const all = production === 2 ? 2 : audit('all, with what builds and tests', 'high');
process.exitCode = Math.max(production, all);

/** 0: nothing from that level up; 1: something; 2: it could not be told. */
function audit(what, level, ...args) {
  console.log(`\n=== ${what}: ${level} and above ===\n`);
  const { stdout, stderr } = spawnSync('npm', ['audit', '--json', ...args], { encoding: 'utf8', timeout: longestMs });
  const report = parse(stdout);
  const counts = report?.metadata?.vulnerabilities;
  if (counts === undefined) {
    console.log(`NOT AUDITED: ${report?.message ?? (stderr.trim() || 'npm audit said nothing')}`);
    return 2;
  }
  for (const { name, severity, range, fixAvailable } of Object.values(report.vulnerabilities ?? {}))
    console.log(`${severity}: ${name} ${range}${fixAvailable ? ', a fix is available' : ''}`);
  const levels = ['info', 'low', 'moderate', 'high', 'critical'];
  const found = levels.slice(levels.indexOf(level)).reduce((sum, each) => sum + (counts[each] ?? 0), 0);
  console.log(found === 0 ? 'nothing' : `${found} found`);
  return found === 0 ? 0 : 1;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
