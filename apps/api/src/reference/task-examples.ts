/** What tasks look like: of the original's document, where it has them. All of it is judged by the schemas in a test. */
const taskId = 806769905152840693n;
const other = 806769905152840695n;
const ids = { taskId, taskIdStr: String(taskId) };
const otherIds = { taskId: other, taskIdStr: String(other) };
const at = (second: string): string => `2016-12-08T07:${second}.000Z`;

export const submittedTask = ids;

export const listedTask = {
  ...ids,
  taskName: 'demo-commands',
  tenantId: 'acme',
  commands: '/home/app/entrypoint.sh',
  taskStatus: 2,
  message: 'Command exited with status 0',
  callbackAt: 'Dec 8, 2016 8:03:08 AM',
  callbackUrl: 'https://acme.example.com/hook',
  submitAt: 'Dec 8, 2016 7:58:29 AM',
  finishAt: 'Dec 8, 2016 8:03:07 AM',
  agentId: '5e4b0cbd-4b5a-4f3e-9a39-2b7d5b1a0c11-S0',
  agentHost: 'agent-1.example.com',
  retry: 1,
  taskStatusName: 'FINISHED',
  attempt: 1,
  exitCode: 0,
  sequence: 3,
  submittedAt: at('58:29'),
  startedAt: at('58:31'),
  finishedAt: '2016-12-08T08:03:07.000Z',
  callbackDeliveredAt: '2016-12-08T08:03:08.000Z',
  callbackState: 'idle',
  labels: { team: 'red' },
};

const attempts = [
  {
    number: 1,
    agentHost: 'agent-1.example.com',
    state: 'TASK_FINISHED',
    message: 'Command exited with status 0',
    launchedAt: at('58:30'),
    startedAt: at('58:31'),
    endedAt: '2016-12-08T08:03:07.000Z',
    exitCode: 0,
  },
];

export const taskEntry = { ...listedTask, attempts };

const change = { attempt: 1, message: 'task is running' };
const running = { sequence: 2, taskStatus: 1, taskStatusName: 'RUNNING', at: at('58:31'), ...change };

export const taskDetail = {
  ...taskEntry,
  timeline: [
    { sequence: 0, taskStatus: -1, taskStatusName: 'NOT_START', at: at('58:29'), attempt: 0, message: '' },
    { sequence: 1, taskStatus: 0, taskStatusName: 'STAGING', at: at('58:30'), attempt: 1, message: 'task is launched' },
    running,
    {
      sequence: 3,
      taskStatus: 2,
      taskStatusName: 'FINISHED',
      at: '2016-12-08T08:03:07.000Z',
      attempt: 1,
      message: 'Command exited with status 0',
    },
  ],
  spec: {
    taskName: 'demo-commands',
    callbackUrl: 'https://acme.example.com/hook',
    callbackEvents: 'all',
    commands: '/home/app/entrypoint.sh',
    resources: { role: '*', cpu: 0.5, mem: 256, disk: 0, gpus: 0, ports: 0 },
    env: [{ name: 'environment', value: 'dev' }],
    retry: 1,
    labels: [{ key: 'team', value: 'red' }],
  },
};

export const whyWaiting = {
  ...ids,
  state: 'waiting',
  summary: 'no agent has room: the best of 41 agents lacks 0.5 CPUs',
  asOf: at('58:40'),
  expiresAt: '2016-12-09T07:58:29.000Z',
  lastConsidered: at('58:39'),
  position: { inTenant: 1, ofTenant: 12, tenantsAhead: 0, tenants: 3, overall: 1, ofAll: 400 },
  tenant: {
    ...{ share: 0.21, weight: 1, waiting: 12, running: 40, used: { cpus: 20, memMb: 10_240, gpus: 0 } },
    limits: { cpus: null, memMb: null, gpus: null, running: 100, launchesPerSecond: null },
  },
  possibleAgents: 41,
  obstacles: [
    { why: 'cpus', agents: 41, shortBy: 0.5 },
    { why: 'constraint', of: 'rack_id', agents: 9 },
  ],
  cluster: { subscribed: true, suppressed: false, agents: 50, offers: 3 },
};

export const taskCallbacks = {
  ...ids,
  lane: {
    url: 'https://acme.example.com/hook',
    events: 'all',
    state: 'pending',
    pending: [running],
    dueAt: at('59:01'),
    tries: 1,
    cause: 'status',
    superseded: 0,
  },
  tries: [
    {
      ...{ sequence: 2, taskStatus: 1, taskStatusName: 'RUNNING', try: 1, url: 'https://acme.example.com/hook' },
      ...{ startedAt: at('58:31'), durationMs: 12.5, outcome: 'failed', httpStatus: 503, cause: 'status' },
      ...{ detail: 'try later', phases: { dns: 0.4, tcp: 1.1, request: 0.2, firstByte: 10.8 } },
    },
  ],
};

const notAllowed = 'resources.role is refused by the machine policy "roles": "prod" is not allowed here';
export const batchResult = {
  results: [
    { index: 0, ...ids },
    {
      index: 1,
      error: {
        status: -2127560624,
        message: `no permission, auth failed: ${notAllowed}`,
        details: [
          { member: 'resources.role', code: -2127560624, message: notAllowed, value: '"prod"', policy: 'roles' },
        ],
      },
    },
  ],
  stored: 1,
};

export const rerun = { ...otherIds, rerunOf: taskId, rerunOfStr: String(taskId) };

const killedAtOnce = { submitKill: true, resultMessage: 'task is killed', currentStatus: 6, submitTask: true };
export const kill = { ...killedAtOnce, ...ids };
export const killMany = {
  results: [kill, { submitKill: false, resultMessage: 'no such task of this tenant', submitTask: false, ...otherIds }],
  killed: 1,
};
const sample = [{ ...ids, taskName: 'night-1', taskStatus: 1 }];
export const killByFilter = { dryRun: false, killed: 1, remaining: 0, isComplete: true, sample };
export const killDryRun = { dryRun: true, matched: 1, isComplete: true, sample };

export const reconcile = {
  request: 2,
  reconcile: 1,
  reconciles: [
    { taskId, reconciled: true, message: 'the cluster is asked', taskIdStr: String(taskId) },
    { taskId: other, reconciled: false, message: 'the task has ended', taskIdStr: String(other) },
  ],
};

export const submissions = {
  'a shell command': {
    taskName: 'demo-commands',
    callbackUrl: 'https://acme.example.com/hook',
    env: { name: 'environment', value: 'dev' },
    commands: '/home/app/entrypoint.sh',
    resources: { cpu: 0.5, mem: 256 },
    retry: 1,
    labels: { team: 'red' },
  },
  'a container': {
    taskName: 'demo-container',
    callbackUrl: 'https://acme.example.com/hook',
    env: [{ name: 'environment', value: 'dev' }],
    args: ['this is a test'],
    container: { docker: { image: 'registry.example.com/demo-slice' }, type: 'DOCKER' },
  },
  'a program, placed': {
    taskName: 'demo-placed',
    commands: ['./render', '--frame', '7'],
    uris: ['https://files.example.com/render.tar.gz'],
    constraints: [{ field: 'RACK_ID', operator: 'IN', values: ['r1', 'r2'] }],
    group: { name: 'render', placement: 'balanced' },
    priority: 10,
    maxRunSeconds: 3600,
  },
};
