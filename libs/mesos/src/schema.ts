import protobuf, { type INamespace } from 'protobufjs/light.js';
import { descriptor } from './descriptor.ts';

const root = protobuf.Root.fromJSON(descriptor as INamespace).resolveAll();

/** The protobuf types of the two messages that travel between a scheduler and a master. */
export const callType = root.lookupType('mesos.v1.scheduler.Call');
export const eventType = root.lookupType('mesos.v1.scheduler.Event');

/** Of an event no more than says which update it is, and that optional: what can be read where the whole cannot. */
export const updateHeadType = protobuf.Root.fromJSON({
  nested: {
    Event: {
      fields: { type: { id: 1, type: 'Type' }, update: { id: 5, type: 'Update' } },
      nested: {
        Type: { values: { UNKNOWN: 0, UPDATE: 4 } },
        Update: { fields: { status: { id: 1, type: 'Status' } } },
        Status: {
          fields: { task_id: { id: 1, type: 'Id' }, agent_id: { id: 5, type: 'Id' }, uuid: { id: 11, type: 'bytes' } },
        },
        Id: { fields: { value: { id: 1, type: 'string' } } },
      },
    },
  },
})
  .resolveAll()
  .lookupType('Event');
