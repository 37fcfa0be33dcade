import { z } from 'zod';
import { parseMasters } from '@juice/mesos';
import { text } from '@juice/runtime';

const expects = 'http://host:port of masters, separated by commas, or zk://[user:password@]host:port,…/path';

/** The setting that says where Mesos is. */
export function mesosMasters() {
  return text(expects)
    .transform((given, context): readonly string[] => {
      const masters = parseMasters(given);
      if (masters !== null) return masters;
      context.issues.push({ code: 'custom', message: `must be ${expects}`, input: given });
      return z.NEVER;
    })
    .meta({ expects });
}
