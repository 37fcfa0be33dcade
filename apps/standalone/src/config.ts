import { z } from 'zod';
import { amqpUrlProblem } from '@juice/messaging';
import { mongoUrlProblem } from '@juice/persistence';
import { apiConfigSchema, type ApiConfig } from '@juice/api';
import { callbackConfigSchema, type CallbackConfig } from '@juice/callback';
import { ConfigProblems, loadConfig, oneOf, secret, text, url, type ConfigProblem } from '@juice/runtime';
import { configSchema as schedulerConfigSchema, mesosMasters, type SchedulerConfig } from '@juice/scheduler';
import { defaultAgents, parseAgents } from './local-agents.ts';

const agentsRight = 'COUNT or COUNT:CPUS:MEM_MB[:DISK_MB], such as 2:4:8192';

/** What standalone adds to the environment of the three services. */
export const standaloneConfigSchema = z.object({
  dataDir: text('a folder').default('.juice').meta({
    env: 'JUICE_DATA_DIR',
    description: 'Where the embedded parts keep their data, and the tasks their sandboxes.',
  }),
  localAgents: text(agentsRight)
    .refine((given) => parseAgents(given) !== null, { error: `must be ${agentsRight}` })
    .default(defaultAgents)
    .meta({ env: 'JUICE_LOCAL_AGENTS', description: `The embedded cluster's agents: ${agentsRight}.` }),
  localExecutor: oneOf(['process', 'simulated']).default('process').meta({
    env: 'JUICE_LOCAL_EXECUTOR',
    description: 'What the embedded cluster makes of tasks: processes, or nothing that runs and ends after 100 ms.',
  }),
  mongoUrl: secret(url(['mongodb', 'mongodb+srv'], mongoUrlProblem))
    .optional()
    .meta({
      env: 'JUICE_MONGO_URL',
      description: 'A real MongoDB instead of the embedded one.',
    }),
  amqpUrl: secret(url(['amqp', 'amqps'], amqpUrlProblem))
    .optional()
    .meta({
      env: 'JUICE_AMQP_URL',
      description: 'A real RabbitMQ instead of the embedded broker.',
    }),
  mesosMasters: mesosMasters().optional().meta({
    env: 'JUICE_MESOS_MASTERS',
    description: 'A real Mesos cluster instead of the embedded one.',
  }),
  callbackSecret: secret(text()).optional().meta({
    env: 'JUICE_CALLBACK_SECRET',
    description: 'Signs callbacks (whsec_…); made and kept in the data folder when not given.',
  }),
});

export interface StandaloneConfig {
  readonly own: Readonly<z.output<typeof standaloneConfigSchema>>;
  readonly api: ApiConfig;
  readonly scheduler: SchedulerConfig;
  readonly callback: CallbackConfig;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Stands for what an embedded part will be: never dialled. */
const embedded: Environment = {
  JUICE_MONGO_URL: 'mongodb://embedded',
  JUICE_AMQP_URL: 'amqp://embedded',
  JUICE_MESOS_MASTERS: 'http://embedded',
  JUICE_CALLBACK_SECRET: `whsec_${Buffer.alloc(24).toString('base64')}`,
  // Receivers under development are on this machine.
  JUICE_CALLBACK_ALLOW: '127.0.0.0/8,::1,localhost',
};

/** Reads the environment of all three services and of standalone itself. Throws ConfigProblems with all problems of all. */
export function readConfig(env: Environment): StandaloneConfig {
  const given = Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== '');
  const completed = { ...embedded, ...Object.fromEntries(given) };
  const problems = new Map<string, ConfigProblem>();
  const read = <Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, from: Environment) => {
    try {
      return loadConfig(schema, from);
    } catch (error: unknown) {
      if (!(error instanceof ConfigProblems)) throw error;
      for (const problem of error.problems) problems.set(`${problem.variable} ${problem.problem}`, problem);
      return null;
    }
  };
  const own = read(standaloneConfigSchema, env);
  const api = read(apiConfigSchema, completed);
  const scheduler = read(schedulerConfigSchema, completed);
  const callback = read(callbackConfigSchema, completed);
  if (own === null || api === null || scheduler === null || callback === null)
    throw new ConfigProblems([...problems.values()]);
  // In one process the api knows what the scheduler subscribes with, whether it is set or not.
  return { own, api: { ...api, mesosRoles: scheduler.mesosRoles }, scheduler, callback };
}
