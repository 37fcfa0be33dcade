import { DependencyFailure } from '@juice/contracts';
import type { CallAnswer, Draft, FrameworkCall, FrameworkInfo, StreamEvent, UnreadableUpdate } from '@juice/mesos';
import type { Log } from '@juice/observability';
import type { Event } from '@juice/scheduling';
import { createPerformer } from './perform.ts';
import type { CallTarget } from './runner.ts';
import { toCoreEvents } from './translate.ts';

/** One subscription as the client gives it. */
export interface Stream {
  readonly master: string;
  readonly events: AsyncIterable<StreamEvent>;
  call(call: Draft<FrameworkCall>): Promise<CallAnswer>;
  close(): void;
}

/** Why a session ended, and what must be done about it. */
export type SessionEnd =
  | { readonly kind: 'ended'; readonly detail: string; readonly lastedMs: number }
  | { readonly kind: 'removed'; readonly detail: string }
  | { readonly kind: 'refused'; readonly detail: string }
  /** Another process subscribed with our framework id: it leads, or believes so. */
  | { readonly kind: 'superseded'; readonly detail: string };

/**
 * One Mesos subscription from SUBSCRIBE to its end: its events become the core's, the core's calls go out on it. It ends
 * and never reconnects by itself. The framework id is stored before anything else is done with it, and nothing that the
 * stream says reaches the core before `ready`: an update of an attempt not loaded yet would look unknown.
 */
export async function runSession(deps: {
  subscribe: () => Promise<Stream>;
  saveFrameworkId: (frameworkId: string) => Promise<void>;
  ready: (subscription: { readonly frameworkId: string; readonly master: string }) => Promise<void>;
  push: (event: Event, target?: CallTarget) => void;
  /** Keeps an update that cannot be read; only then does the core hear of it, which acknowledges it. */
  setAside: (update: UnreadableUpdate) => Promise<void>;
  loadLaunchSpecs: Parameters<typeof createPerformer>[0]['loadLaunchSpecs'];
  log: Log;
  now: () => number;
}): Promise<SessionEnd> {
  const { push, log, now } = deps;
  const startedMs = now();
  const stream = await deps.subscribe();
  let doubt: string | null = null;
  let performer: ReturnType<typeof createPerformer> | null = null;
  try {
    for await (const event of stream.events) {
      if (event.type === 'SUBSCRIBED') {
        const frameworkId = event.subscribed.framework_id.value;
        await deps.saveFrameworkId(frameworkId);
        performer = createPerformer({
          ...deps,
          frameworkId,
          call: (call) => stream.call(call),
          push,
          onDoubt(detail) {
            doubt ??= detail;
            stream.close();
          },
        });
        const version = event.subscribed.master_info?.version ?? 'unknown';
        log.info('cluster.subscribed', { frameworkId, master: stream.master, version });
        push({ kind: 'cluster.subscribed', atMs: now(), frameworkId }, performer);
        await deps.ready({ frameworkId, master: stream.master });
        continue;
      }
      if (event.type === 'UNREADABLE UPDATE') {
        await deps.setAside(event);
        const { taskId: mesosTaskId, agentId, uuid } = event;
        if (mesosTaskId !== null) push({ kind: 'update.quarantined', atMs: now(), mesosTaskId, agentId, uuid });
        continue;
      }
      if (event.type === 'ERROR') return endOfError(event.error.message);
      if (event.type === 'OFFERS') performer?.keepOffers(event.offers.offers);
      if (event.type === 'RESCIND') performer?.dropOffer(event.rescind.offer_id.value);
      for (const coreEvent of toCoreEvents(event, now())) push(coreEvent);
    }
    return { kind: 'ended', detail: doubt ?? 'the master closed the stream', lastedMs: now() - startedMs };
  } catch (error: unknown) {
    // A stream that broke has lasted as one that ended has. What else failed here is not the session's to judge.
    if (!(error instanceof DependencyFailure) || error.dependency !== 'mesos') throw error;
    return { kind: 'ended', detail: error.message, lastedMs: now() - startedMs };
  } finally {
    stream.close();
    if (performer !== null) push({ kind: 'cluster.disconnected', atMs: now() });
  }
}

/** The master's last word on a stream (wire document, §1). */
export function endOfError(message: string): SessionEnd {
  const said = message.toLowerCase();
  if (said.includes('framework has been removed')) return { kind: 'removed', detail: message };
  if (said.includes('framework failed over')) return { kind: 'superseded', detail: message };
  if (said.includes('framework disconnected')) return { kind: 'ended', detail: message, lastedMs: 0 };
  return { kind: 'refused', detail: message };
}

/** Who we are to the cluster. The role "*" is written like any other. */
export function frameworkInfo(settings: {
  name: string;
  user: string;
  roles: readonly string[];
  principal: string | null;
  hostname: string;
  failoverTimeoutMs: number;
  /** Whether agents with GPUs are wanted: without it they are never offered. */
  gpus?: boolean;
  webuiUrl?: string | undefined;
  frameworkId: string | null;
}): Draft<FrameworkInfo> {
  const { frameworkId, principal, gpus = false, webuiUrl } = settings;
  return {
    user: settings.user,
    name: settings.name,
    ...(frameworkId !== null && { id: { value: frameworkId } }),
    ...(principal !== null && { principal }),
    roles: settings.roles,
    hostname: settings.hostname,
    failover_timeout: settings.failoverTimeoutMs / 1000,
    checkpoint: true,
    ...(webuiUrl !== undefined && { webui_url: webuiUrl }),
    capabilities: [
      { type: 'MULTI_ROLE' },
      { type: 'PARTITION_AWARE' },
      { type: 'TASK_KILLING_STATE' },
      { type: 'RESERVATION_REFINEMENT' },
      ...(gpus ? [{ type: 'GPU_RESOURCES' as const }] : []),
    ],
  };
}
