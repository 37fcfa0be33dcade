import {
  isEndState,
  rerunRequest,
  taskStateName,
  type RequestBounds,
  type RerunAnswer,
  type TaskId,
} from '@juice/contracts';
import { describeProblems } from './describe-problems.ts';
import type { FindStore, FoundTask } from './find-tasks.ts';
import { createOncePerRequest } from './once-per-request.ts';
import { refuse, type Refusal } from './refusal.ts';
import { changeRequest } from './request-of-spec.ts';
import { refuseAll, type Submission, type SubmitTask } from './submit-task.ts';

export type RerunOutcome = { readonly ok: true; readonly answer: RerunAnswer; readonly isReplay: boolean } | Refusal;

/**
 * Submits a task again, as a new one: with the spec as it is stored, and what the body has different. It is judged as any
 * submission is, by the rules of today. What the task's secret variables hold goes from the one into the other, and is in
 * no answer. Throws DependencyFailure as submitting does.
 */
export type RerunTask = (rerun: Submission & { readonly taskId: TaskId }) => Promise<RerunOutcome>;

export function createRerunTask(deps: { tasks: FindStore; submitTask: SubmitTask; bounds: RequestBounds }): RerunTask {
  const { tasks, submitTask } = deps;
  const schema = rerunRequest(deps.bounds);
  const once = createOncePerRequest<RerunOutcome>();

  async function rerun(asked: Parameters<RerunTask>[0]): Promise<RerunOutcome> {
    const { taskId, tenantId, body, request } = asked;
    const parsed = schema.safeParse(body);
    if (!parsed.success) return refuseAll(describeProblems(parsed.error.issues, body));
    const [source] = await tasks.findTasks(tenantId, [taskId]);
    const refusal = source === undefined ? unknownTask(taskId) : refuseUnended(source, parsed.data.force === true);
    if (source === undefined || refusal !== null)
      return answerOf(taskId, await submitTask.unlessKnown(request, refusal ?? unknownTask(taskId)));
    const checked = await submitTask.check(tenantId, changeRequest(source.spec, parsed.data));
    if (!checked.ok) return answerOf(taskId, await submitTask.unlessKnown(request, checked));
    const draft = { ...submitTask.draft(asked, checked.spec), rerunOf: taskId };
    return answerOf(taskId, await submitTask.storeOne(draft, request));
  }

  return (asked) => once(asked.request, () => rerun(asked));
}

function refuseUnended({ status }: FoundTask, isForced: boolean): Refusal | null {
  if (isEndState(status) || isForced) return null;
  const message = `the task must have ended, and is ${taskStateName(status)}; {"force": true} runs it a second time all the same`;
  return refuse('conflict', { member: 'taskId', code: 'BAD_REQUEST', message });
}

/** Of a route whose path names a task. */
export function unknownTask(taskId: TaskId): Refusal {
  const message = `taskId in the path must be that of a task of this tenant: there is none with ${taskId}`;
  return refuse('not-found', { member: 'taskId', code: 'NO_RECORD', message, value: String(taskId) });
}

type Submitted = Awaited<ReturnType<SubmitTask['storeOne']>>;

function answerOf(rerunOf: TaskId, submitted: Submitted): RerunOutcome {
  if (!submitted.ok) return submitted;
  const { taskId, isReplay } = submitted;
  const answer = { taskId, taskIdStr: String(taskId), rerunOf, rerunOfStr: String(rerunOf) };
  return { ok: true, answer, isReplay };
}
