import { writeExactJson, type CallbackTestAnswer } from '@juice/contracts';
import { describeForbidden } from '@juice/destinations';
import type { CallbackTest } from '@juice/persistence';
import type { SendPhase, Timings } from './http-sender.ts';
import { judge, type AttemptOutcome, type AttemptResult } from './outcome.ts';
import { postSigned, type PostingDeps } from './signed-post.ts';
import type { TenantRules } from './tenant-rules.ts';

/** Enough of an answer to see what it is; not so much that this is a way to read what is inside. */
const shownBodyBytes = 1024;

/**
 * Sends an event of the type `callback.test` to a receiver, as a callback would be sent: judged by the same rules, signed with the
 * same secrets, and tells how far it came. Nothing else learns of it: it is no attempt, and says nothing about the endpoint.
 */
export async function makeTest(
  test: CallbackTest,
  how: PostingDeps & { readonly rules: TenantRules; readonly by: string },
): Promise<CallbackTestAnswer> {
  const webhookId = `test_${test.testId}`;
  const startedMs = how.now();
  const body = testBody(test, startedMs);
  const result = await postSigned(how, how.rules, { url: test.url, id: webhookId, body });
  const outcome = judge(result, how.now());
  return {
    url: test.url,
    webhookId,
    ...told(outcome),
    summary: summarise(result, outcome),
    phases: phasesOf(result, test.url.startsWith('https:')),
    durationMs: how.now() - startedMs,
    ...(result.kind === 'answered' && { httpStatus: result.status }),
    headers: result.kind === 'answered' ? { ...result.headers } : {},
    ...shownBody(result),
    signatures: how.rules.keysAt(startedMs).length,
    worker: how.by,
  };
}

function testBody({ tenantId }: CallbackTest, atMs: number): Buffer {
  const message = 'A test of this receiver, asked for by its owner. It is about no task.';
  const timestamp = new Date(atMs).toISOString();
  return Buffer.from(writeExactJson({ type: 'callback.test', timestamp, tenantId, message }));
}

function told({ kind, reason }: AttemptOutcome): Pick<CallbackTestAnswer, 'outcome' | 'cause'> {
  switch (kind) {
    case 'delivered':
      return { outcome: 'delivered' };
    case 'stopped':
      return { outcome: 'ours', cause: 'ours-stopped' };
    default:
      return { outcome: kind, cause: reason };
  }
}

function summarise(result: AttemptResult, outcome: AttemptOutcome): string {
  switch (result.kind) {
    case 'answered':
      return summariseStatus(result.status, result.headers['location'], outcome);
    case 'failed':
      return outcome.kind === 'ours'
        ? `it was not sent, by a fault of ours (${result.code}), which says nothing about the receiver`
        : `there was no answer: ${outcome.reason} (${result.code})`;
    case 'forbidden':
      return `it was not sent: the name has an address that is not public, and the operator does not allow it`;
    case 'refused':
      return `it was not sent: the URL ${describeForbidden(result.rule)}`;
    case 'stopped':
      return 'the worker was stopped in the midst of it: ask again';
    default:
      return result satisfies never;
  }
}

function summariseStatus(status: number, location: string | undefined, { kind }: AttemptOutcome): string {
  if (kind === 'delivered') return `the receiver has taken it: ${status}`;
  if (kind === 'gone') return 'the receiver says that it is gone (410): callbacks would be held until it is resumed';
  if (status >= 300 && status < 400) {
    const where = location === undefined ? '' : `; it points to ${location}: use that URL instead`;
    return `the receiver redirects (${status}), which is not followed${where}`;
  }
  return kind === 'failed'
    ? `the receiver could not take it now: ${status}; a callback would be tried again`
    : `the receiver refuses it: ${status}; a callback would be tried a few times more`;
}

type Phase = CallbackTestAnswer['phases'][number];

const phaseMembers = {
  lookup: 'lookupMs',
  connect: 'connectMs',
  tls: 'tlsMs',
  response: 'firstByteMs',
} as const satisfies Record<SendPhase, keyof Timings>;

function phasesOf(result: AttemptResult, isTls: boolean): Phase[] {
  if (result.kind === 'refused') return [{ phase: 'url', ok: false }];
  const phases: Phase[] = [{ phase: 'url', ok: true }];
  if (result.kind === 'stopped') return phases;
  if (result.kind === 'forbidden') return [...phases, { phase: 'lookup', ok: false }];
  for (const [phase, member] of Object.entries(phaseMembers) as [SendPhase, keyof Timings][]) {
    if (phase === 'tls' && !isTls) continue;
    const durationMs = result.timings[member];
    const hasFailed = result.kind === 'failed' && result.phase === phase;
    // A literal is not looked up.
    if (durationMs !== null || hasFailed || phase !== 'lookup')
      phases.push({ phase, ok: !hasFailed, ...(durationMs !== null && { durationMs }) });
    if (hasFailed) break;
  }
  return phases;
}

function shownBody(result: AttemptResult): { readonly body?: string } {
  if (result.kind !== 'answered' || result.body.length === 0) return {};
  const encoding = result.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return { body: `(a body encoded as ${encoding})` };
  return { body: result.body.subarray(0, shownBodyBytes).toString() };
}
