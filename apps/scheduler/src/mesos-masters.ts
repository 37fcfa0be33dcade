import { z } from 'zod';
import { parseMasters } from '@juice/mesos';
import { text } from '@juice/runtime';

const expects = 'http://host:port of masters, separated by commas, or zk://[user:password@]host:port,…/path';

/** The setting that says where Mesos is. */
export function mesosMasters() {
  return text(expects)
    .transform((given, context): readonly string[] => {
      const masters = parseMasters(given);
      const problem = masters === null ? '' : problemOf(masters);
      if (masters !== null && problem === null) return masters;
      const message = problem === '' ? `must be ${expects}` : `${problem}: must be ${expects}`;
      context.issues.push({ code: 'custom', message, input: given });
      return z.NEVER;
    })
    .meta({ expects });
}

/** A path before a proxy is legal; what stands behind it, and credentials in an address, would be silently left out. */
function problemOf(masters: readonly string[]): string | null {
  const urls = masters.filter((master) => !master.startsWith('zk://')).map((master) => new URL(master));
  if (urls.some(({ username, password }) => username !== '' || password !== ''))
    return 'has credentials, which belong into JUICE_MESOS_PRINCIPAL and JUICE_MESOS_SECRET';
  if (urls.some(({ search, hash }) => search !== '' || hash !== '')) return 'has a query or a fragment';
  return urls.some(({ pathname }) => pathname.includes('/api/v1'))
    ? 'has the path of the API, which is added to it'
    : null;
}
