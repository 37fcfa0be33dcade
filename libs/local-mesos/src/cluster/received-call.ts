import type { ReceivedCall } from '@juice/mesos';

/** The calls' own parts, as they are received. */
export type CallSubscribe = NonNullable<ReceivedCall['subscribe']>;
export type CallAccept = NonNullable<ReceivedCall['accept']>;
export type CallDecline = NonNullable<ReceivedCall['decline']>;
export type CallKill = NonNullable<ReceivedCall['kill']>;
export type CallAcknowledge = NonNullable<ReceivedCall['acknowledge']>;
export type CallReconcile = NonNullable<ReceivedCall['reconcile']>;
export type CallReconcileTask = CallReconcile['tasks'][number];
export type CallUpdateFramework = NonNullable<ReceivedCall['update_framework']>;
