import { z } from 'zod';
import { apiConfigSchema } from '@juice/api';
import { callbackConfigSchema } from '@juice/callback';
import { configSchema as schedulerConfigSchema } from '@juice/scheduler';

const scheduler = schedulerConfigSchema.shape;

/** What is examined, by the services' own settings. MongoDB and RabbitMQ every service needs; Mesos the scheduler alone. */
export const doctorConfigSchema = z
  .object({
    mongoUrl: scheduler.mongoUrl,
    amqpUrl: scheduler.amqpUrl,
    leaseMs: scheduler.leaseMs,
    mesosMasters: scheduler.mesosMasters.optional(),
    mesosRoles: scheduler.mesosRoles,
    mesosPrincipal: scheduler.mesosPrincipal,
    mesosSecret: scheduler.mesosSecret,
    mesosCaFile: scheduler.mesosCaFile,
    callbackSecrets: callbackConfigSchema.shape.secrets.optional(),
    adminKey: apiConfigSchema.shape.adminKey,
  })
  .refine((config) => (config.mesosPrincipal === undefined) === (config.mesosSecret === undefined), {
    error: 'must be given with JUICE_MESOS_PRINCIPAL, and only with it',
    path: ['mesosSecret'],
    when: () => true,
  });

export type DoctorConfig = Readonly<z.output<typeof doctorConfigSchema>>;

/** What must never be shown, wherever it comes up. */
export function secretsOf(config: DoctorConfig): readonly string[] {
  const urls = [config.mongoUrl, config.amqpUrl, ...(config.mesosMasters ?? [])];
  const given = [config.mesosSecret, config.adminKey, ...(config.callbackSecrets?.split(/[\s,]+/) ?? [])];
  return [...urls.flatMap(passwordsOf), ...given].filter((secret) => secret !== undefined && secret !== '') as string[];
}

/** The password of a URL, as it is written there and as it is meant. Several hosts are legal: no parser takes that. */
function passwordsOf(url: string): readonly string[] {
  const written = /^[^:]+:\/\/[^/?#]*?:([^/?#]*)@/.exec(url)?.[1];
  return written === undefined ? [] : [written, decoded(written)];
}

/** ZooKeeper's are not encoded: a % in one is a %. */
function decoded(written: string): string {
  try {
    return decodeURIComponent(written);
  } catch {
    return written;
  }
}
