/** What the examples of callbacks hold. */
const at = '2026-01-31T09:30:00.000Z';
const later = '2026-01-31T10:30:00.000Z';
const group = '5d1f0a6be4c87352';
const endpoint = 'https://acme.example.com';
const cause = { cause: 'status-503', causeText: 'the receiver answered 503' };
const task = { taskId: 806769905152840693n, taskIdStr: '806769905152840693' };
const state = {
  ...{ sequence: 3, taskStatus: 2, taskStatusName: 'FINISHED', at, attempt: 1 },
  message: 'Command exited with status 0',
};

export const deadCallback = {
  ...{ callbackId: '806769905152840693_3', ...task, taskName: 'night-1', tenant: 'acme' },
  ...{ url: 'https://acme.example.com/hook', endpoint, taskStatus: 2, taskStatusName: 'FINISHED' },
  ...{ group, ...cause, diedAt: later, tries: 12, pending: 1 },
};

export const deadGroup = {
  ...{ group, tenant: 'acme', endpoint, ...cause, count: 1873, firstAt: at, lastAt: later },
  sample: ['806769905152840693', '806769905152840701'],
};

export const replay = {
  ...{ replayId: '001769851800000-5f2b7c1e0a4d', tenant: 'acme', by: '4f0c2b7d9a1e63c5' },
  ...{ reason: 'the receiver is repaired', choice: { tenant: 'acme', group, until: later }, ratePerSecond: 50 },
  ...{ state: 'running', selected: 1873, replayed: 400, skipped: 0, delivered: 398, failedAgain: 0, waiting: 2 },
  ...{
    createdAt: later,
    words: [{ action: 'create', at: later, by: '4f0c2b7d9a1e63c5', reason: 'the receiver is repaired' }],
  },
};
const pausedWord = { action: 'pause', at: later, by: '4f0c2b7d9a1e63c5', reason: 'they are busy' };
export const pausedReplay = { ...replay, state: 'paused', words: [...replay.words, pausedWord] };
export const resumedReplay = { ...replay, words: [...pausedReplay.words, { ...pausedWord, action: 'resume' }] };
export const cancelledReplay = {
  ...replay,
  state: 'cancelled',
  words: [...replay.words, { ...pausedWord, action: 'cancel' }],
};

export const dryRun = { dryRun: true, matched: 1873, sample: [deadCallback] };

export const openEndpoint = {
  ...{ tenant: 'acme', endpoint, condition: 'open', until: later, reason: 'status-503', changedAt: at },
  summary: `it failed too often (the receiver answered 503), and is tried again at ${later}`,
};
export const pausedEndpoint = {
  ...{ tenant: 'acme', endpoint, condition: 'paused', pausedBy: '4f0c2b7d9a1e63c5', pausedAt: at, changedAt: at },
  ...{
    reason: 'maintenance',
    summary: `paused by 4f0c2b7d9a1e63c5 at ${at}: maintenance; nothing is sent until it is resumed`,
  },
};
export const freeEndpoint = { tenant: 'acme', endpoint, condition: 'free', summary: 'it is called', changedAt: at };

export const shownCallback = {
  ...{ ...task, tenant: 'acme', taskName: 'night-1' },
  lane: {
    ...{ url: 'https://acme.example.com/hook', events: 'all', state: 'dead', pending: [state], tries: 12 },
    ...{ cause: 'status-503 https://acme.example.com', superseded: 1 },
  },
  dead: { group, ...cause, diedAt: later },
  tries: [
    {
      ...{ sequence: 3, taskStatus: 2, taskStatusName: 'FINISHED', try: 12, url: 'https://acme.example.com/hook' },
      ...{ startedAt: later, durationMs: 81, outcome: 'failed', httpStatus: 503, cause: 'status-503', detail: 'busy' },
      phases: { lookupMs: 2, connectMs: 9, tlsMs: 21, firstByteMs: 48, totalMs: 81 },
    },
  ],
};

export const explanation = {
  ...{ callbackId: '806769905152840693_3', ...task, asOf: at, why: 'backing-off', state },
  summary: `try 2 failed: the receiver answered 503; the next try is at ${later}, and 9 are left`,
  ...{ nextAttemptAt: later, tries: 2, triesLeft: 9, lastCause: 'status-503 https://acme.example.com' },
  endpoint: freeEndpoint,
};

export const test = {
  ...{
    url: 'https://acme.example.com/hook',
    webhookId: 'test_5f2b7c1e-0a4d-4a64-9a55-0d3a2c7b9e10',
    outcome: 'delivered',
  },
  summary: 'the receiver has taken it: 204',
  phases: [
    { phase: 'url', ok: true },
    { phase: 'lookup', ok: true, durationMs: 2 },
    { phase: 'connect', ok: true, durationMs: 9 },
    { phase: 'tls', ok: true, durationMs: 21 },
    { phase: 'response', ok: true, durationMs: 48 },
  ],
  ...{ durationMs: 81, httpStatus: 204, headers: { server: 'nginx' }, signatures: 1, worker: 'callback-7f9c-1' },
};

export const choices = {
  'a group': { group, reason: 'the receiver is repaired' },
  'some of them': { ids: ['806769905152840693_3', '806769905152840701'], reason: 'they ask for these' },
  'by a filter, slowly': {
    filter: { endpoint, since: '2026-01-30T00:00:00Z', cause: 'status-503' },
    ...{ reason: 'the receiver is repaired', ratePerSecond: 5 },
  },
  'how many would it be': { filter: { all: true }, dryRun: true },
};
