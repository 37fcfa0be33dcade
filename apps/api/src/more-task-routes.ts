import { Router, type RequestHandler } from 'express';
import type { RequestBounds } from '@juice/contracts';
import { createBatchRouter } from './batch-router.ts';
import type { AskLeader } from './ask-leader.ts';
import type { DateText } from './date-text.ts';
import { createExplainTask, type ExplainTask } from './explain-task.ts';
import type { Gates } from './gates.ts';
import type { Hints } from './hints.ts';
import { createKillByFilter, type ChooseStore, type KillByFilter } from './kill-by-filter.ts';
import { createKillRouter } from './kill-router.ts';
import { createKillTasks, type KillTasks } from './kill-tasks.ts';
import type { AdmitTasks } from './limit-waiting.ts';
import { createListRouter } from './list-router.ts';
import { createLogsRouter } from './logs-router.ts';
import { createListTasks, type ListStore, type ListTasks } from './list-tasks.ts';
import { createReadLog, type ReadLog, type SandboxFiles } from './read-log.ts';
import { createRerunTask, type RerunTask } from './rerun-task.ts';
import { createShowCallbacks, type CallbackStore, type ShowCallbacks } from './show-callbacks.ts';
import { createShowTask, type ShowTask } from './show-task.ts';
import type { StoreTasks } from './store-tasks.ts';
import { createSubmitBatch, type SubmitBatch } from './submit-batch.ts';
import { createStreamSeats, type StreamSeats } from './stream-seats.ts';
import type { SubmitTask } from './submit-task.ts';
import { createTaskRouter } from './task-router.ts';

/** What the task routes call that the original does not have. */
export interface MoreTaskRoutes {
  readonly listTasks: ListTasks;
  readonly showTask: ShowTask;
  readonly explainTask: ExplainTask;
  readonly showCallbacks: ShowCallbacks;
  readonly killTasks: KillTasks;
  readonly killByFilter: KillByFilter;
  readonly submitBatch: SubmitBatch;
  readonly rerunTask: RerunTask;
  readonly readLog: ReadLog;
  /** For those who follow what a task writes. */
  readonly logSeats: Pick<StreamSeats, 'take'>;
}

export type MoreTaskStore = ListStore & CallbackStore & ChooseStore;

export function createMoreTaskRoutes(deps: {
  tasks: MoreTaskStore;
  leader: Pick<AskLeader, 'why'>;
  submitTask: SubmitTask;
  storeTasks: StoreTasks;
  admitTasks: AdmitTasks;
  hints: Pick<Hints, 'killRequested'>;
  dateText: DateText;
  files: SandboxFiles;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  streams: { readonly most: number; readonly mostPerTenant: number };
  bounds: RequestBounds;
  now: () => number;
}): MoreTaskRoutes {
  return {
    listTasks: createListTasks(deps),
    showTask: createShowTask(deps),
    explainTask: createExplainTask(deps),
    showCallbacks: createShowCallbacks(deps),
    killTasks: createKillTasks(deps),
    killByFilter: createKillByFilter(deps),
    submitBatch: createSubmitBatch(deps),
    rerunTask: createRerunTask(deps),
    readLog: createReadLog(deps),
    logSeats: createStreamSeats({ ...deps.streams, what: 'logs that are followed' }),
  };
}

interface Ways {
  readonly gates: Gates;
  readonly readBody: RequestHandler;
}

/** Those that share a path with one of the original's; before its router, which takes what they leave. */
export function createSharedPathsRouter(routes: MoreTaskRoutes, { gates, readBody }: Ways): Router {
  const router = Router();
  router.use(createListRouter({ ...routes, gates }));
  router.use(createKillRouter({ ...routes, gates, readBody }));
  return router;
}

/** The others; after the original's router, since what is none of its words is taken for an id. */
export function createOwnPathsRouter(
  routes: MoreTaskRoutes,
  ways: Ways & { readonly readBatch: RequestHandler; readonly stopping: AbortSignal },
): Router {
  const { gates, readBody, readBatch, stopping } = ways;
  const router = Router();
  router.use(createBatchRouter({ ...routes, gates, readBody: readBatch }));
  router.use(createLogsRouter({ ...routes, seats: routes.logSeats, gates, stopping }));
  router.use(createTaskRouter({ ...routes, gates, readBody }));
  return router;
}
