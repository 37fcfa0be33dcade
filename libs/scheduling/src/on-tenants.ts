import type { Event } from './event.ts';
import type { State } from './state.ts';

/** What an operator has set holds from the next cycle on; nothing that runs is touched for it. */
export function onTenantsConfigured(state: State, event: Extract<Event, { kind: 'tenants.configured' }>): void {
  for (const { tenantId, limits } of event.tenants) state.tenants.configure(tenantId, limits);
  state.mayMatch = true;
}
