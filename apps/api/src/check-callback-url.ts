import { describeForbidden, judgeUrl, type AllowList, type ForbiddenRule } from '@juice/destinations';
import type { Problem } from './refusal.ts';

/**
 * Refuses a URL that would never be called: what the callback service judges again, with the addresses of a name,
 * before every try. The URL itself is not repeated: its query may hold a secret. `member`: where the request has it.
 */
export function checkCallbackUrl(given: string | null, allow: AllowList, member = 'callbackUrl'): Problem[] {
  if (given === null) return [];
  const judgement = judgeUrl(given, allow);
  if (judgement.ok) return [];
  const { rule } = judgement;
  return [
    {
      member,
      code: rule === 'address' || rule === 'port' ? 'NO_PERMISSION' : 'OBJECT_NOT_EQUAL',
      message: `${member} ${describeForbidden(rule)}${shownPart(given, rule)}`,
    },
  ];
}

/** The part that the rule is about; of credentials nothing is shown. */
function shownPart(given: string, rule: ForbiddenRule): string {
  if (!URL.canParse(given) || rule === 'credentials') return '';
  const { protocol, host } = new URL(given);
  return `, not "${(rule === 'scheme' ? protocol : host).slice(0, 64)}"`;
}
