import { describeForbidden, judgeUrl, type AllowList } from '@juice/destinations';
import type { Problem } from './refusal.ts';

/**
 * Refuses a callbackUrl that would never be called: what the callback service judges again, with the addresses of a name,
 * before every try. The URL itself is not repeated: its query may hold a secret.
 */
export function checkCallbackUrl(callbackUrl: string | null, allow: AllowList): Problem[] {
  if (callbackUrl === null) return [];
  const judgement = judgeUrl(callbackUrl, allow);
  if (judgement.ok) return [];
  return [
    {
      member: 'callbackUrl',
      code: judgement.rule === 'address' || judgement.rule === 'port' ? 'NO_PERMISSION' : 'OBJECT_NOT_EQUAL',
      message: `callbackUrl ${describeForbidden(judgement.rule)}${shownPart(callbackUrl)}`,
    },
  ];
}

/** The part that rules are about. */
function shownPart(callbackUrl: string): string {
  return URL.canParse(callbackUrl) ? `, not "${new URL(callbackUrl).host.slice(0, 64)}"` : '';
}
