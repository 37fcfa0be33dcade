import { parseSwitchName, switchNameRight, type SwitchAnswer, type SwitchesAnswer } from '@juice/contracts';
import type { Switch, SwitchStore } from '@juice/persistence';
import type { Audit } from './audit.ts';
import type { Actor } from './caller.ts';
import { refuse, type Refusal } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

/** What operators do with switches. Throws DependencyFailure. */
export interface SwitchBoard {
  show(): Promise<SwitchesAnswer>;
  /** Stored when it resolves; other processes heed it within seconds. Repeated, it changes nothing but the reason. */
  turn(
    actor: Actor,
    name: string,
    to: { readonly on: boolean; readonly reason: string },
  ): Promise<{ readonly ok: true; readonly answer: SwitchAnswer } | Refusal>;
}

/** Shown even while they are off. */
const alwaysShown = ['stop-intake', 'stop-launching'];

export function createSwitchBoard(deps: {
  switches: SwitchStore;
  audit: Audit;
  /** A switch was turned: tells all others, and resolves when this process goes by it. Never rejects. */
  changed: () => Promise<void>;
  now: () => number;
}): SwitchBoard {
  const { switches, audit, changed, now } = deps;

  async function off(name: string): Promise<SwitchAnswer> {
    await switches.turnOff(name);
    return { name, on: false };
  }

  return {
    async show() {
      const on = await switches.loadSwitches();
      const off = alwaysShown.filter((name) => !on.some((each) => each.name === name));
      const all = [...on.map(view), ...off.map((name) => ({ name, on: false }))];
      return { switches: all.sort((a, b) => (a.name < b.name ? -1 : 1)) };
    },
    async turn(actor, name, { on, reason }) {
      if (parseSwitchName(name) === null) return unknownSwitch(name);
      const action = on ? 'switch.turnedOn' : 'switch.turnedOff';
      const what = { action, tenantId: null, target: name, detail: { reason } } as const;
      return audit(actor, what, async () => {
        const answer = on ? view(await switches.turnOn(name, { reason, by: actor.actor }, now())) : await off(name);
        await changed();
        return { ok: true, answer };
      });
    },
  };
}

function view({ name, reason, by, since, changedAt }: Switch): SwitchAnswer {
  return { name, on: true, reason, since: since.toISOString(), changedAt: changedAt.toISOString(), by };
}

function unknownSwitch(name: string): Refusal {
  const value = shortenValue(name);
  const message = `switchName in the path must be ${switchNameRight}, not ${value}`;
  return refuse('invalid', { member: 'switchName', code: 'OBJECT_NOT_EQUAL', message, value });
}
