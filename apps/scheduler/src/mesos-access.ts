import { readFile } from 'node:fs/promises';
import type { MesosClientOptions } from '@juice/mesos';
import { ConfigProblems } from '@juice/runtime';
import type { SchedulerConfig } from './config.ts';

/**
 * How the masters are spoken to: with which credentials, and whose certificates are trusted. Throws ConfigProblems when
 * the file of certificates cannot be read or holds none.
 */
export async function readMesosAccess(
  config: Pick<SchedulerConfig, 'mesosPrincipal' | 'mesosSecret' | 'mesosCaFile'>,
): Promise<Pick<MesosClientOptions, 'credentials' | 'ca'>> {
  const { mesosPrincipal: principal, mesosSecret: secret, mesosCaFile: caFile } = config;
  return {
    ...(principal !== undefined && secret !== undefined && { credentials: { principal, secret } }),
    ...(caFile !== undefined && { ca: await readCertificates(caFile) }),
  };
}

async function readCertificates(path: string): Promise<string> {
  const refuse = (problem: string): ConfigProblems =>
    new ConfigProblems([{ variable: 'JUICE_MESOS_CA_FILE', given: path, problem }]);
  const pem = await readFile(path, 'utf8').catch((error: unknown) => {
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown error';
    throw refuse(`cannot be read (${code}): must be a file of certificates in PEM`);
  });
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw refuse('holds no certificate in PEM');
  return pem;
}
