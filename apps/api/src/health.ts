import { ErrorCode, errorMessagePrefix } from '@juice/contracts';
import type { HealthChecks } from '@juice/runtime';
import type { ApiDeps } from './service.ts';
import type { WorkerNumber } from './worker-number.ts';

/** Ready while MongoDB is: without the broker tasks are stored as ever and found by the scheduler's sweep. */
export function createHealth(
  { store, broker, metrics }: Pick<ApiDeps, 'store' | 'broker' | 'metrics'>,
  worker: WorkerNumber,
  stopping: AbortSignal,
): HealthChecks {
  return {
    livez: () => ({ ok: true, status: 0, message: 'OK' }),
    readyz() {
      const checks = { mongodb: store.isUp(), workerNumber: worker.isHeld(), broker: broker.isUp() };
      const degraded = checks.broker ? [] : ['the broker is away: tasks start later than usual'];
      if (stopping.aborted) return notReady('the service is stopping', checks);
      if (!checks.mongodb) return notReady('MongoDB is not reachable', checks);
      if (!checks.workerNumber) return notReady('there is no worker number for new ids', checks);
      return { ok: true, status: 0, message: 'OK', checks, degraded };
    },
    metrics,
  };
}

function notReady(why: string, checks: Readonly<Record<string, boolean>>) {
  return { ok: false, status: ErrorCode.DATA_ACCESS, message: `${errorMessagePrefix.DATA_ACCESS}: ${why}`, checks };
}
