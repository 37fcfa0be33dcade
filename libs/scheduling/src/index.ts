export { decide } from './decide.ts';
export {
  createCommands,
  type Commands,
  type Explanation,
  type Launch,
  type MesosCall,
  type UnknownAttempt,
} from './command.ts';
export { type Event, type MesosState, type ObservedStatus, type Offer } from './event.ts';
export { mesosTaskId, attemptIn } from './mesos-task-id.ts';
export { createState, describeState, type State } from './state.ts';
export { defaultPolicy, usualPreemption, type Policy, type PreemptionRule } from './policy.ts';
export { compileConstraint, type AgentAttribute, type Constraint, type Patterns } from './matching/constraint.ts';
export { matchCycle } from './matching/match.ts';
export { noLimits, type TenantLimits } from './tenant.ts';
export { whyWaiting } from './explaining/why-waiting.ts';
export { surveyQueue } from './explaining/survey-queue.ts';
