import { z } from 'zod';
import { requestLimits as limits } from './request-limits.ts';
import { blob, list } from './request-members.ts';

/**
 * A tenant's own words on a task, passed on to Mesos: an object of texts, or a list of {key, value}. Keys that begin with
 * `juice_` are ours: by them a task is found again on the cluster.
 */

const reserved = 'juice_';
const keyRight = `a text of 1 to ${limits.labelKeyCharacters} characters, not blank, without control characters, not beginning with "${reserved}"`;
const key = z.string({ error: keyRight }).refine(isLabelKey, { error: keyRight });
const value = blob('a string', limits.labelValueBytes);

function isLabelKey(text: string): boolean {
  if (text.length > limits.labelKeyCharacters || !/\S/.test(text)) return false;
  // The body is refused for such a member; it would be no better as a key in a list.
  return !/[\p{Cc}\p{Cs}]/u.test(text) && !text.startsWith(reserved) && text !== '__proto__';
}

const tooMany = `an object, or a list, of at most ${limits.labels} labels`;

/** How many there are is judged before what they are. */
const byKey = z.preprocess(
  (labels, context) => {
    const isObject = typeof labels === 'object' && labels !== null && !Array.isArray(labels);
    if (!isObject || Object.keys(labels).length <= limits.labels) return labels;
    context.issues.push({ code: 'custom', message: tooMany, input: labels });
    return z.NEVER;
  },
  z.record(key, value),
);

const label = z.object({ key, value }, { error: 'an object {key, value}' });

export const labels = z.union([byKey, list(label, limits.labels, 'labels {key, value}')], { error: tooMany });
