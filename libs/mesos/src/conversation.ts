import type * as wire from './wire.ts';

/**
 * A message as its sender may write it: what is repeated may be left out instead of given as an empty array.
 * Everything decoded is a valid draft.
 */
export type Draft<T> = T extends readonly (infer Item)[]
  ? readonly Draft<Item>[]
  : T extends object
    ? { readonly [K in keyof T as T[K] extends readonly unknown[] ? never : K]: Draft<T[K]> } & {
        readonly [K in keyof T as T[K] extends readonly unknown[] ? K : never]?: Draft<T[K]>;
      }
    : T;

/** A call with its sub-message. `framework_id` is absent only in the very first SUBSCRIBE of a framework. */
export type Call =
  | { readonly type: 'SUBSCRIBE'; readonly framework_id?: wire.FrameworkID; readonly subscribe: wire.CallSubscribe }
  | FrameworkCall;

/** What a subscribed framework sends beside its stream: everything but SUBSCRIBE. */
export type FrameworkCall = { readonly framework_id: wire.FrameworkID } & (
  | { readonly type: 'TEARDOWN' }
  | { readonly type: 'ACCEPT'; readonly accept: wire.CallAccept }
  | { readonly type: 'DECLINE'; readonly decline: wire.CallDecline }
  | { readonly type: 'REVIVE'; readonly revive?: wire.CallRevive }
  | { readonly type: 'SUPPRESS'; readonly suppress?: wire.CallSuppress }
  | { readonly type: 'KILL'; readonly kill: wire.CallKill }
  | { readonly type: 'SHUTDOWN'; readonly shutdown: wire.CallShutdown }
  | { readonly type: 'ACKNOWLEDGE'; readonly acknowledge: wire.CallAcknowledge }
  | { readonly type: 'RECONCILE'; readonly reconcile: wire.CallReconcile }
  | { readonly type: 'MESSAGE'; readonly message: wire.CallMessage }
  | { readonly type: 'REQUEST'; readonly request: wire.CallRequest }
  | { readonly type: 'ACCEPT_INVERSE_OFFERS'; readonly accept_inverse_offers: wire.CallAcceptInverseOffers }
  | { readonly type: 'DECLINE_INVERSE_OFFERS'; readonly decline_inverse_offers: wire.CallDeclineInverseOffers }
  | {
      readonly type: 'ACKNOWLEDGE_OPERATION_STATUS';
      readonly acknowledge_operation_status: wire.CallAcknowledgeOperationStatus;
    }
  | { readonly type: 'RECONCILE_OPERATIONS'; readonly reconcile_operations: wire.CallReconcileOperations }
  | { readonly type: 'UPDATE_FRAMEWORK'; readonly update_framework: wire.CallUpdateFramework }
);

/**
 * An update that this code cannot read (a state it does not know, say), and what of it could be read. It is sent again
 * until it is acknowledged, and holds back its task's later ones, so it must be kept somewhere and acknowledged.
 */
export interface UnreadableUpdate {
  readonly type: 'UNREADABLE UPDATE';
  readonly detail: string;
  readonly taskId: string | null;
  readonly agentId: string | null;
  /** Base64; null: it is not to be acknowledged. */
  readonly uuid: string | null;
  /** The record as it came. */
  readonly record: Uint8Array;
}

/** What a stream says. */
export type StreamEvent = Event | UnreadableUpdate;

/** An event with its sub-message. `UNKNOWN` stands for every type this code does not know: to be ignored. */
export type Event =
  | { readonly type: 'UNKNOWN' }
  | { readonly type: 'HEARTBEAT' }
  | { readonly type: 'SUBSCRIBED'; readonly subscribed: wire.EventSubscribed }
  | { readonly type: 'OFFERS'; readonly offers: wire.EventOffers }
  | { readonly type: 'RESCIND'; readonly rescind: wire.EventRescind }
  | { readonly type: 'UPDATE'; readonly update: wire.EventUpdate }
  | { readonly type: 'MESSAGE'; readonly message: wire.EventMessage }
  | { readonly type: 'FAILURE'; readonly failure: wire.EventFailure }
  | { readonly type: 'ERROR'; readonly error: wire.EventError }
  | { readonly type: 'INVERSE_OFFERS'; readonly inverse_offers: wire.EventInverseOffers }
  | { readonly type: 'RESCIND_INVERSE_OFFER'; readonly rescind_inverse_offer: wire.EventRescindInverseOffer }
  | { readonly type: 'UPDATE_OPERATION_STATUS'; readonly update_operation_status: wire.EventUpdateOperationStatus };
