export { decide } from './decide.ts';
export { createCommands, type Commands, type Explanation, type Launch, type MesosCall } from './command.ts';
export { type Event, type MesosState, type ObservedStatus, type Offer } from './event.ts';
export { createState, describeState, type State } from './state.ts';
export { defaultPolicy, type Policy } from './policy.ts';
