import { type SubmitRequest, submitRequest, type RequestBounds, type TaskId, type TaskSpec } from '@juice/contracts';
import type { AllowList } from '@juice/destinations';
import { checkCallbackUrl } from './check-callback-url.ts';
import { checkContainer } from './check-container.ts';
import { checkPatterns } from './check-patterns.ts';
import { checkRole } from './check-role.ts';
import { describeProblems } from './describe-problems.ts';
import type { AdmitTasks } from './limit-waiting.ts';
import { checkMachinePolicy } from './machine-policy.ts';
import { checkMembersTogether, normaliseTask, type ResourceDefaults } from './normalise-task.ts';
import { createOncePerRequest } from './once-per-request.ts';
import { refuse, type Problem, type Refusal } from './refusal.ts';
import { keyConflict, type KeyedRequest } from './request-key.ts';
import type { Draft, KnownRequest, Stored, StoreTasks } from './store-tasks.ts';
import type { TenantRules } from './tenant-rules.ts';

export interface Submission {
  readonly tenantId: string;
  /** The parsed body, unchecked. */
  readonly body: unknown;
  readonly traceparent: string | null;
  /** Given: of all submissions that are the same request, one is stored. */
  readonly request?: KeyedRequest;
}

/** `isReplay`: it was stored before, by the same request. */
export type Submitted = { readonly ok: true; readonly taskId: TaskId; readonly isReplay: boolean } | Refusal;

export type Checked = { readonly ok: true; readonly spec: TaskSpec } | Refusal;

export interface SubmitTask {
  /**
   * Checks a submission, stores it and answers its id; everything that is wrong with it comes back as one refusal, and
   * then nothing was stored. When it resolves with an id the task is stored for good. It throws DependencyFailure when
   * the store failed: then the task may or may not have been stored.
   */
  (submission: Submission): Promise<Submitted>;
  /** What a body would be stored as, or everything that is wrong with it. */
  check(tenantId: string, body: unknown): Promise<Checked>;
  /** A task of a checked spec, as it is stored. */
  draft(of: Pick<Submission, 'tenantId' | 'traceparent'>, spec: TaskSpec): Draft;
  /** Stores one task, once for each request; throws as submitting does. */
  storeOne(draft: Draft, request: KeyedRequest | undefined): Promise<Submitted>;
  /** The answer that a request was given before; else the refusal it is to be given now. */
  unlessKnown(request: KeyedRequest | undefined, refusal: Refusal): Promise<Submitted>;
}

export function createSubmitTask(deps: {
  storeTasks: StoreTasks;
  admitTasks: AdmitTasks;
  now: () => number;
  bounds: RequestBounds;
  defaults: ResourceDefaults;
  /** What the tenant's settings mean for it. Throws DependencyFailure. */
  rulesOf: (tenantId: string) => Promise<TenantRules>;
  /** Those that the scheduler is subscribed with; null: not known. */
  roles: readonly string[] | null;
  /** Receivers that are not public and may be called all the same. */
  callbackAllow: AllowList;
  /** How long a task may wait that does not say. */
  taskExpiryMs: number;
}): SubmitTask {
  const { storeTasks, now } = deps;
  const schema = submitRequest(deps.bounds);
  const once = createOncePerRequest<Submitted>();

  async function check(tenantId: string, body: unknown): Promise<Checked> {
    const rules = await deps.rulesOf(tenantId);
    if (rules.isSuspended) return suspended();
    const parsed = schema.safeParse(body);
    const together = checkMembersTogether(body);
    if (!parsed.success) return refuseAll([...describeProblems(parsed.error.issues, body), ...together]);
    if (together.length > 0) return refuseAll(together);
    return settle(parsed.data, rules);
  }

  function settle(request: SubmitRequest, rules: TenantRules): Checked {
    const { spec, problems } = normaliseTask(request, deps.defaults, rules.callbackEvents);
    const all = [
      ...problems,
      ...checkPatterns(request),
      ...checkContainer(spec),
      ...checkRole(spec, deps.roles),
      ...checkCallbackUrl(spec.callbackUrl, deps.callbackAllow),
      ...checkMachinePolicy(rules.policy, spec),
    ];
    return all.length > 0 ? refuseAll(all) : { ok: true, spec };
  }

  function draft({ tenantId, traceparent }: Pick<Submission, 'tenantId' | 'traceparent'>, spec: TaskSpec): Draft {
    const expireAfterMs = spec.expireSeconds === null ? deps.taskExpiryMs : spec.expireSeconds * 1000;
    return { tenantId, spec, expireAfterMs, traceparent };
  }

  async function storeOne(draft: Draft, request: KeyedRequest | undefined): Promise<Submitted> {
    const refusal = await deps.admitTasks(draft.tenantId, 1);
    if (refusal !== null) return unlessKnown(request, refusal);
    const keyed = request === undefined ? draft : { ...draft, requestKey: { ...request, atMs: now() } };
    const [stored] = (await storeTasks.store([keyed])) ?? [];
    return stored === undefined ? overloaded() : answerOf(stored, request);
  }

  async function unlessKnown(request: KeyedRequest | undefined, refusal: Refusal): Promise<Submitted> {
    if (request === undefined) return refusal;
    const known = (await storeTasks.known([request.key])).get(request.key);
    return known === undefined ? refusal : replay(known, request);
  }

  async function submit(submission: Submission): Promise<Submitted> {
    const { tenantId, body, request } = submission;
    const checked = await check(tenantId, body);
    return checked.ok ? storeOne(draft(submission, checked.spec), request) : unlessKnown(request, checked);
  }

  const submitTask = (submission: Submission): Promise<Submitted> => once(submission.request, () => submit(submission));
  return Object.assign(submitTask, { check, draft, storeOne, unlessKnown });
}

function answerOf(stored: Stored, request: KeyedRequest | undefined): Submitted {
  switch (stored.kind) {
    case 'stored':
      return { ok: true, taskId: stored.taskId, isReplay: false };
    case 'known':
      return replay(stored.request, request);
    case 'failed':
      throw stored.error;
  }
}

function replay({ taskId, hash }: KnownRequest, request: KeyedRequest | undefined): Submitted {
  return hash === request?.hash ? { ok: true, taskId, isReplay: true } : keyConflict();
}

export function refuseAll(problems: readonly Problem[]): Refusal {
  const [first = { member: 'body', code: 'OBJECT_NOT_EQUAL', message: 'body is wrong' } as const, ...more] = problems;
  return refuse('invalid', first, ...more);
}

function suspended(): Refusal {
  const message = 'the tenant is suspended: its tasks go on, and new ones are refused until an operator lifts it';
  return refuse('forbidden', { member: 'tenant', code: 'NO_PERMISSION', message });
}

export function overloaded(): Refusal {
  const message = 'too many submissions are waiting to be stored; nothing was stored, try again shortly';
  return refuse('overloaded', { member: 'request', code: 'DATA_ACCESS', message });
}
