import type { AllowList } from '@juice/destinations';
import type { CallbackStores } from '@juice/persistence';
import { createEndpoints, type Endpoints } from './endpoints.ts';
import { createExplainCallback, type ExplainCallback } from './explain-callback.ts';
import { createFindDead, type FindDead } from './find-dead.ts';
import { createReplays, type Replays } from './replays.ts';
import { createShowCallback, type ShowCallback, type TryFinder } from './show-callback.ts';
import { createTestReceiver, type TestReceiver } from './test-receiver.ts';

/** What the routes of callbacks call, those of tenants and those of operators. */
export interface CallbackRoutes {
  readonly findDead: FindDead;
  readonly replays: Replays;
  readonly showCallback: ShowCallback;
  readonly explainCallback: ExplainCallback;
  readonly endpoints: Endpoints;
  readonly testReceiver: TestReceiver;
}

export function createCallbackRoutes(deps: {
  callbacks: CallbackStores;
  tasks: TryFinder;
  allow: AllowList;
  now: () => number;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}): CallbackRoutes {
  const { callbacks, tasks, now } = deps;
  return {
    findDead: createFindDead(callbacks),
    replays: createReplays({ ...callbacks, now }),
    showCallback: createShowCallback({ lanes: callbacks, tasks }),
    explainCallback: createExplainCallback({ lanes: callbacks, tasks, endpoints: callbacks.endpoints, now }),
    endpoints: createEndpoints({ endpoints: callbacks.endpoints, now }),
    testReceiver: createTestReceiver({ ...deps, tests: callbacks.tests }),
  };
}
