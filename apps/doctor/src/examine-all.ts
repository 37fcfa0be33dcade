import { hideCredentials } from '@juice/runtime';
import { readMesosAccess } from '@juice/scheduler';
import { checkMesos } from './check-mesos.ts';
import { checkMongo } from './check-mongo.ts';
import { checkRabbit } from './check-rabbit.ts';
import { secretsOf, type DoctorConfig } from './config.ts';
import { withoutSecrets, type Finding } from './finding.ts';
import { judgeAdminKey, judgeCallbackSecret } from './judge-parts.ts';
import { usualLimitMs } from './run-check.ts';

export interface ExamineOptions {
  readonly limitMs?: number;
  /** Before the names in RabbitMQ: of tests alone. */
  readonly brokerPrefix?: string;
}

/**
 * All checks, the parts at the same time: a few limits after its start it is over. Changes nothing anywhere. Throws
 * ConfigProblems, before it asks anybody, when the file of certificates cannot be used.
 */
export async function examineAll(config: DoctorConfig, options: ExamineOptions = {}): Promise<readonly Finding[]> {
  const { limitMs = usualLimitMs, brokerPrefix = '' } = options;
  const { mongoUrl, amqpUrl, leaseMs } = config;
  const access = await readMesosAccess(config);
  const parts = await Promise.all([
    checkMongo({ url: mongoUrl, shown: hideCredentials(mongoUrl), leaseMs, limitMs }),
    checkRabbit({ url: amqpUrl, shown: hideCredentials(amqpUrl), prefix: brokerPrefix, limitMs }),
    checkMesos({ masters: config.mesosMasters, roles: config.mesosRoles, access, limitMs }),
  ]);
  const own: readonly Finding[] = [
    { check: 'callback.secret', ...judgeCallbackSecret(config.callbackSecrets) },
    { check: 'admin.key', ...judgeAdminKey(config.adminKey) },
  ];
  const secrets = secretsOf(config);
  return [...parts.flat(), ...own].map((finding) => withoutSecrets(finding, secrets));
}
