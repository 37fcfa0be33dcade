import type { Health } from '@juice/runtime';

/**
 * Ready: MongoDB answers, and it is a standby, or it leads, is subscribed and has loaded every live task. A broker that is
 * away makes it degraded, not unready: it leads by its sweeps, and nothing gets better by holding back what is to replace it.
 */
export function readiness(facts: Health, checks: { readonly mongodb: boolean; readonly rabbitmq: boolean }): Health {
  const degraded = checks.rabbitmq ? [] : ['the broker is away: tasks are found by the sweep'];
  return { ...facts, ok: facts.ok && checks.mongodb, checks, degraded };
}
