import { z } from 'zod';

/**
 * An app as Marathon 1.5 and later take it at /v2/apps: of the documented fields those that make sense for Juice, and no
 * others, so that a slip of the pen does not pass. https://mesosphere.github.io/marathon/docs/application-basics.html
 */
const seconds = z.int().min(1);
const ratio = z.number().min(0).max(1);
const keyAndValue = z.strictObject({ key: z.string().min(1), value: z.string() });
const operators = ['UNIQUE', 'CLUSTER', 'GROUP_BY', 'LIKE', 'UNLIKE', 'MAX_PER', 'IS'];

export const marathonApp = z.strictObject({
  id: z.string().regex(/^(\/[a-z0-9]([a-z0-9-.]*[a-z0-9])?)+$/),
  instances: z.int().min(1),
  cpus: z.number().positive(),
  mem: z.number().min(32),
  cmd: z.string().min(1),
  container: z.strictObject({
    type: z.enum(['DOCKER', 'MESOS']),
    docker: z.strictObject({
      image: z.string().min(1),
      forcePullImage: z.boolean(),
      privileged: z.boolean(),
      parameters: z.array(keyAndValue),
    }),
    volumes: z.array(
      z.strictObject({
        hostPath: z.string().startsWith('/'),
        containerPath: z.string().startsWith('/'),
        mode: z.enum(['RO', 'RW']),
      }),
    ),
  }),
  networks: z.array(z.strictObject({ mode: z.enum(['host', 'container/bridge', 'container']) })).length(1),
  requirePorts: z.boolean(),
  portDefinitions: z.array(
    z.strictObject({ port: z.int().min(0).max(65_535), protocol: z.enum(['tcp', 'udp', 'udp,tcp']), name: z.string() }),
  ),
  env: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string()),
  labels: z.record(z.string(), z.string()),
  constraints: z.array(z.tuple([z.string(), z.enum(operators)]).rest(z.string())),
  healthChecks: z.array(
    z.strictObject({
      protocol: z.enum(['MESOS_HTTP', 'MESOS_HTTPS', 'MESOS_TCP', 'COMMAND', 'HTTP', 'HTTPS', 'TCP']),
      path: z.string().startsWith('/'),
      portIndex: z.int().min(0),
      gracePeriodSeconds: seconds,
      intervalSeconds: seconds,
      timeoutSeconds: seconds,
      maxConsecutiveFailures: z.int().min(0),
    }),
  ),
  readinessChecks: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/),
        protocol: z.enum(['HTTP', 'HTTPS']),
        path: z.string().startsWith('/'),
        portName: z.string(),
        intervalSeconds: seconds,
        timeoutSeconds: seconds,
        httpStatusCodesForReady: z.array(z.int().min(100).max(599)),
        preserveLastResponse: z.boolean(),
      }),
    )
    .max(1),
  upgradeStrategy: z.strictObject({ minimumHealthCapacity: ratio, maximumOverCapacity: ratio }),
  taskKillGracePeriodSeconds: seconds,
  unreachableStrategy: z.strictObject({ inactiveAfterSeconds: z.int().min(0), expungeAfterSeconds: z.int().min(0) }),
});

export type MarathonApp = z.output<typeof marathonApp>;
