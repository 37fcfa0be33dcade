import { leastRetentionMs, usualRetention, type RetentionOptions } from '@juice/contracts';
import { duration } from './settings.ts';

function kept(what: keyof RetentionOptions, env: string, description: string) {
  return duration({ minMs: leastRetentionMs }).default(usualRetention[what]).meta({ env, description });
}

/** See RetentionOptions. What several services write is kept as each of them is told: tell them the same. */
export const retentionSettings = {
  taskRetentionMs: kept(
    'taskRetentionMs',
    'JUICE_TASK_RETENTION',
    'How long a task is kept after it has ended and its last callback was delivered or given up',
  ),
  attemptRetentionMs: kept(
    'attemptRetentionMs',
    'JUICE_ATTEMPT_RETENTION',
    'How long the record of a try to deliver a callback is kept',
  ),
  replayRetentionMs: kept('replayRetentionMs', 'JUICE_REPLAY_RETENTION', 'How long a replay is kept after its end'),
  quarantineRetentionMs: kept(
    'quarantineRetentionMs',
    'JUICE_QUARANTINE_RETENTION',
    'How long is kept what could not be processed, after it was last met',
  ),
  auditRetentionMs: kept(
    'auditRetentionMs',
    'JUICE_AUDIT_RETENTION',
    'How long the record of an operator’s action is kept',
  ),
  usageRetentionMs: kept('usageRetentionMs', 'JUICE_USAGE_RETENTION', 'How long is kept what a tenant used on a day'),
} satisfies Record<keyof RetentionOptions, unknown>;
