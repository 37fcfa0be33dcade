export {
  decimal,
  duration,
  flag,
  integer,
  list,
  oneOf,
  port,
  secret,
  size,
  text,
  url,
  type SettingFacts,
} from './settings.ts';
export { retentionSettings } from './retention-settings.ts';
export { tracingSettings } from './tracing-settings.ts';
export { ConfigProblems, describeConfig, loadConfig, type ConfigProblem } from './load-config.ts';
export { variablesOf, writeConfigExample, writeConfigTable } from './setting-list.ts';
export { warnOfUnknownVariables } from './unknown-variables.ts';
export { hideCredentials } from './hide-credentials.ts';
export { createStop, type Closable, type Stop, type StopHost } from './stop.ts';
export { startNowAndThen, type NowAndThen } from './now-and-then.ts';
export { announceProcess, type ProcessNotes } from './announce-process.ts';
export { runMain } from './run-main.ts';
export { backoffDelayMs, connectBackoff, connectWithBackoff, type BackoffLimits } from './connect-with-backoff.ts';
export {
  answerHealth,
  startHealthServer,
  type Health,
  type HealthAnswer,
  type HealthChecks,
  type HealthServer,
} from './health-server.ts';
export { type Report } from './report.ts';
