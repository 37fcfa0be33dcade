import { judgeUrl, type AllowList } from '@juice/destinations';
import type { Send } from './http-sender.ts';
import type { AttemptResult } from './outcome.ts';
import { signatureHeaders } from './sign.ts';
import type { TenantRules } from './tenant-rules.ts';

export interface SignedPost {
  readonly url: string;
  /** The `webhook-id`. */
  readonly id: string;
  readonly body: Buffer;
  /** Beside those of every callback. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PostingDeps {
  readonly send: Send;
  readonly allow: AllowList;
  readonly userAgent: string;
  readonly now: () => number;
}

/** Sends JSON to a receiver as Standard Webhooks has it, signed with the tenant's keys, unless its URL may not be called. */
export async function postSigned(deps: PostingDeps, rules: TenantRules, post: SignedPost): Promise<AttemptResult> {
  const target = judgeUrl(post.url, deps.allow);
  if (!target.ok) return { kind: 'refused', rule: target.rule };
  const { id, body } = post;
  const atMs = deps.now();
  const headers = {
    'content-type': 'application/json',
    'user-agent': deps.userAgent,
    ...signatureHeaders({ id, timestampS: Math.floor(atMs / 1000), body }, rules.keysAt(atMs)),
    ...post.headers,
  };
  return deps.send({ url: target.url, headers, body });
}
