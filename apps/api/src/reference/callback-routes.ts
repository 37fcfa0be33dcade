import {
  adminDeadGroupsQuery,
  adminDeadQuery,
  adminEndpointsQuery,
  deadGroupsQuery,
  deadQuery,
  endpointsQuery,
  replaysQuery,
} from '@juice/contracts';
import * as examples from './callback-examples.ts';
import type { Route } from './route.ts';

const why = { reason: 'they are busy' };

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** A tenant's, and the same for operators, about all tenants. */
function routesOf(caller: 'tenant' | 'admin'): readonly Route[] {
  const isAdmin = caller === 'admin';
  const base = isAdmin ? '/v1/admin/callbacks' : '/v1/callbacks';
  const all = { group: 'Callbacks', caller } as const;
  const whose = isAdmin ? 'callbacks of all tenants, or of one' : 'callbacks';
  const kept = ' It is kept in the audit trail.';
  const whileKept: Pick<Route, 'refusals'> = isAdmin ? {} : { refusals: ['conflict'] };
  const operators = isAdmin ? '' : ' What an operator has paused, operators alone resume: a 409.';
  const ofTenant = isAdmin ? { tenant: 'acme' } : {};
  const endpoint = { ...ofTenant, endpoint: 'https://acme.example.com' };
  const id = (name: string): string => (isAdmin ? `admin${capital(name)}` : name);
  const word = (action: 'pause' | 'resume' | 'cancel', about: string, example: object): Route => ({
    ...{ method: 'post', path: `${base}/replays/{replayId}/${action}`, id: id(`${action}Replay`), ...all },
    summary: `${capital(action)} a replay`,
    about: `${about}${kept}`,
    body: { schema: 'ReplayWord', isOptional: true, examples: { 'with a reason': why } },
    answer: { data: ['Replay'], examples: { 'as it is now': example } },
    refusals: ['not-found', 'conflict'],
  });
  return [
    {
      ...{ method: 'get', path: `${base}/dead`, id: id('listDead'), ...all },
      summary: `List dead ${whose}`,
      about: 'What was given up, in the order of tenant, endpoint, cause and task. What is given must all hold.',
      query: [isAdmin ? adminDeadQuery : deadQuery],
      answer: { data: ['Dead'], examples: { 'a page': { dead: [examples.deadCallback], nextCursor: 'ZGVhZCBhY21l' } } },
    },
    {
      ...{ method: 'get', path: `${base}/dead-groups`, id: id('groupDead'), ...all },
      summary: `What dead ${whose} were given up for`,
      about:
        'Those with the same tenant, endpoint and cause are one group, whose id is the same for ever. The largest first.',
      query: [isAdmin ? adminDeadGroupsQuery : deadGroupsQuery],
      answer: { data: ['DeadGroups'], examples: { one: { groups: [examples.deadGroup], isComplete: true } } },
    },
    {
      ...{ method: 'get', path: `${base}/replays`, id: id('listReplays'), ...all },
      summary: 'List replays',
      query: [replaysQuery],
      answer: { data: ['Replays'], examples: { 'a page': { replays: [examples.replay] } } },
    },
    {
      ...{ method: 'post', path: `${base}/replays`, id: id('createReplay'), ...all },
      summary: 'Send dead callbacks again',
      about: `Exactly one of \`ids\`, \`group\` and \`filter\` says which: of these, what is dead now. A job of the callback workers sends them at the pace that is asked for, under the same \`webhook-id\`, with the header \`juice-replay\`, the secret of that day and all their tries before them. With \`dryRun\` they are counted and shown. A \`group\` that nothing dead is in is refused with a 404. With an \`Idempotency-Key\` the same request makes one replay for as long as that is kept, and is answered with the replay as it is then.${kept}`,
      headers: ['Idempotency-Key'],
      body: { schema: isAdmin ? 'AdminReplayRequest' : 'ReplayRequest', examples: examples.choices },
      answer: {
        data: ['Replay', 'ReplayDryRun'],
        headers: ['Idempotency-Replayed'],
        examples: { 'it goes on by itself': examples.replay, 'what it would be': examples.dryRun },
      },
      refusals: ['not-found', 'conflict', 'too-many'],
    },
    {
      ...{ method: 'get', path: `${base}/replays/{replayId}`, id: id('showReplay'), ...all },
      summary: 'How far a replay is',
      answer: { data: ['Replay'], examples: { 'in its midst': examples.replay } },
      refusals: ['not-found'],
    },
    word('pause', 'Nothing further is armed until it is resumed; what is armed stays so.', examples.pausedReplay),
    word('resume', 'It goes on where it stood.', examples.resumedReplay),
    word('cancel', 'Nothing further is armed, for good; what is armed stays so.', examples.cancelledReplay),
    {
      ...{ method: 'get', path: `${base}/endpoints`, id: id('listEndpoints'), ...all },
      summary: 'Endpoints that are, or lately were, out of the ordinary',
      about: 'An endpoint is a tenant’s receivers at one origin. One that is not in the list is called.',
      query: [isAdmin ? adminEndpointsQuery : endpointsQuery],
      answer: {
        data: ['Endpoints'],
        examples: { 'two of them': { endpoints: [examples.openEndpoint, examples.pausedEndpoint] } },
      },
    },
    {
      ...{ method: 'post', path: `${base}/endpoints/pause`, id: id('pauseEndpoint'), ...all },
      summary: 'Pause an endpoint',
      about: `Nothing is sent to it from two seconds on; what comes is held. Paused once more, it has the later reason.${operators}${kept}`,
      body: {
        schema: isAdmin ? 'AdminPauseEndpoint' : 'PauseEndpoint',
        examples: { 'for maintenance': { ...endpoint, reason: 'maintenance' } },
      },
      answer: { data: ['Endpoint'], examples: { 'as it is now': examples.pausedEndpoint } },
      ...whileKept,
    },
    {
      ...{ method: 'post', path: `${base}/endpoints/resume`, id: id('resumeEndpoint'), ...all },
      summary: 'Resume an endpoint',
      about: `Whatever kept it from being called ends: a pause, a 410, an open breaker, a wait. What was held goes out, slowly at first.${operators}${kept}`,
      body: { schema: isAdmin ? 'AdminResumeEndpoint' : 'ResumeEndpoint', examples: { 'it is back': endpoint } },
      answer: { data: ['Endpoint'], examples: { 'as it is now': examples.freeEndpoint } },
      ...whileKept,
    },
    {
      ...{ method: 'post', path: `${base}/test`, id: id('testCallback'), ...all },
      summary: 'Send a test event to a receiver',
      about: `A callback worker sends an event of the type \`callback.test\`, signed as callbacks are, to where they may go alone, and tells how far it came. The answer may take as long as the receiver does, 25 seconds at most.${kept}`,
      body: {
        schema: isAdmin ? 'AdminTestCallback' : 'TestCallback',
        examples: { 'a receiver': { ...ofTenant, url: 'https://acme.example.com/hook' } },
      },
      answer: { data: ['CallbackTest'], examples: { 'it is taken': examples.test } },
      refusals: ['too-many'],
    },
    {
      ...{ method: 'get', path: `${base}/{callbackId}`, id: id('showCallback'), ...all },
      summary: 'A callback and what was tried',
      about: 'By its `webhook-id`, or by the id of a task: then all of that one’s.',
      answer: { data: ['Callback'], examples: { 'a dead one': examples.shownCallback } },
      refusals: ['not-found'],
    },
    {
      ...{ method: 'get', path: `${base}/{callbackId}/explain`, id: id('explainCallback'), ...all },
      summary: 'Why a callback is not delivered yet',
      about: 'When it is tried next, how often still, what its endpoint’s state is, and behind which other it waits.',
      answer: { data: ['CallbackExplanation'], examples: { 'its next try is not due': examples.explanation } },
      refusals: ['not-found'],
    },
  ];
}

export const callbackRoutes: readonly Route[] = [...routesOf('tenant'), ...routesOf('admin')];
