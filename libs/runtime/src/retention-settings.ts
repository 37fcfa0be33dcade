import { duration } from './settings.ts';

const dayMs = 86_400_000;
const kept = (days: number) => duration({ minMs: dayMs }).default(days * dayMs);

/** How long what has ended is kept. What several services write is kept as each of them is told: tell them the same. */
export const retentionSettings = {
  task: kept(30).meta({
    env: 'JUICE_TASK_RETENTION',
    description: 'How long a task is kept after it has ended and its last callback was delivered or given up',
  }),
  attempt: kept(30).meta({
    env: 'JUICE_ATTEMPT_RETENTION',
    description: 'How long the record of a try to deliver a callback is kept',
  }),
  replay: kept(30).meta({
    env: 'JUICE_REPLAY_RETENTION',
    description: 'How long a replay is kept after its end',
  }),
  quarantine: kept(30).meta({
    env: 'JUICE_QUARANTINE_RETENTION',
    description: 'How long is kept what could not be processed, after it was last met',
  }),
  audit: kept(400).meta({
    env: 'JUICE_AUDIT_RETENTION',
    description: 'How long the record of an operator’s action is kept',
  }),
  usage: kept(400).meta({
    env: 'JUICE_USAGE_RETENTION',
    description: 'How long is kept what a tenant used on a day',
  }),
};
