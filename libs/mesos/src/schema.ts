import protobuf, { type INamespace } from 'protobufjs/light.js';
import { descriptor } from './descriptor.ts';

const root = protobuf.Root.fromJSON(descriptor as INamespace).resolveAll();

/** The protobuf types of the two messages that travel between a scheduler and a master. */
export const callType = root.lookupType('mesos.v1.scheduler.Call');
export const eventType = root.lookupType('mesos.v1.scheduler.Event');
