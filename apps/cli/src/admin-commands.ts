import type { Command } from 'commander';
import type { KeyFacts, TenantAnswer } from '@juice/contracts';
import { readInteger, readObject } from './options.ts';
import { tell, tellAll } from './output.ts';
import { openSession, UsageError, type World } from './world.ts';

/** The commands of operators; they need JUICE_ADMIN_KEY. */
export function addAdminCommands(program: Command, world: World): void {
  const open = (command: Command) => openSession(command, world);

  const tenants = program.command('tenants').description('operators: what is set for tenants');
  tenants
    .command('list', { isDefault: true })
    .description('those that something is set for')
    .action(async (_options: object, command: Command) => {
      const { output, admin } = open(command);
      const found: TenantAnswer[] = [];
      for await (const tenant of admin().tenants()) found.push(tenant);
      tellAll(output, found, {
        tenant: ({ tenantId }) => tenantId,
        name: ({ name }) => name,
        weight: ({ weight }) => weight,
        suspended: ({ suspended }) => suspended,
        version: ({ version }) => version,
      });
    });
  tenants
    .command('get')
    .description('a tenant’s settings')
    .argument('<tenant>')
    .action(async (tenantId: string, _options: object, command: Command) => {
      const { output, admin } = open(command);
      tell(output, await admin().tenant(tenantId));
    });
  tenants
    .command('set')
    .description('change some of a tenant’s settings')
    .argument('<tenant>')
    .argument('<settings>', 'JSON, such as {"quotas":{"cpus":40}}', readObject)
    .option('--if-version <number>', 'only if they are still those of this version', readInteger)
    .action(async (tenantId: string, settings: object, options: { ifVersion?: number }, command: Command) => {
      const { output, admin } = open(command);
      const { ifVersion: version } = options;
      tell(output, await admin().changeTenant(tenantId, settings, version === undefined ? {} : { version }));
    });
  tenants
    .command('reset')
    .description('give a tenant the defaults again')
    .argument('<tenant>')
    .action(async (tenantId: string, _options: object, command: Command) => {
      const { output, admin } = open(command);
      tell(output, await admin().resetTenant(tenantId));
    });

  addKeyCommands(program, world);

  program
    .command('queue')
    .description('operators: what waits, over all tenants')
    .action(async (_options: object, command: Command) => {
      const { output, admin } = open(command);
      const survey = await admin().queue();
      if (output.isJson) return tell(output, survey);
      const { tenants: shares, blocked, ...counts } = survey;
      tell(output, counts);
      tellAll(output, shares, {
        tenant: ({ tenantId }) => tenantId,
        share: ({ share }) => share.toFixed(3),
        weight: ({ weight }) => weight,
        waiting: ({ waiting }) => waiting,
        running: ({ running }) => running,
        oldest: ({ oldestWaitingAt }) => oldestWaitingAt,
      });
      if (blocked.length === 0) return;
      tellAll(output, blocked, {
        tenant: ({ tenantId }) => tenantId,
        blocked: ({ waiting }) => waiting,
        by: ({ by }) => by,
        example: ({ exampleTaskIdStr }) => exampleTaskIdStr,
        why: ({ summary }) => summary,
      });
    });

  program
    .command('audit')
    .description('operators: what admins have done, the newest first')
    .option('--of <tenant>', 'about this tenant')
    .option('--limit <number>', 'how many at most', readInteger, 100)
    .action(async (options: { of?: string; limit: number }, command: Command) => {
      const { output, admin } = open(command);
      const { of: tenant, limit } = options;
      const { records } = await admin().audit({ limit, ...(tenant !== undefined && { tenant }) });
      tellAll(output, records, {
        at: ({ at }) => at,
        actor: ({ actor }) => actor,
        action: ({ action }) => action,
        tenant: ({ tenantId }) => tenantId,
        target: ({ target }) => target,
        outcome: ({ outcome }) => outcome,
      });
    });
}

/** `--of`: whose key it is; `--admin`: an admin's. */
interface OwnerOptions {
  readonly of?: string;
  readonly admin?: boolean;
}

function ownerOf({ of, admin }: OwnerOptions): string | null {
  if ((of === undefined) === (admin !== true)) throw new UsageError('say whose key: --of <tenant>, or --admin');
  return of ?? null;
}

function addKeyCommands(program: Command, world: World): void {
  const keys = program.command('keys').description('operators: keys of tenants and of admins');
  const add = (name: string, description: string) =>
    keys
      .command(name)
      .description(description)
      .option('--of <tenant>', 'a key of this tenant')
      .option('--admin', 'an admin key');

  add('list', 'keys, the newest first').action(async (options: OwnerOptions, command: Command) => {
    const { output, admin } = openSession(command, world);
    tellAll<KeyFacts>(output, await admin().keys(ownerOf(options)), {
      key: ({ keyId }) => keyId,
      name: ({ name }) => name,
      state: ({ state }) => state,
      created: ({ createdAt }) => createdAt,
      expires: ({ expiresAt }) => expiresAt,
      used: ({ lastUsedAt }) => lastUsedAt,
    });
  });
  add('create', 'make a key; it is shown this once')
    .option('--name <name>', 'for people')
    .option('--expires-in <seconds>', 'how long it works', readInteger)
    .action(async (options: OwnerOptions & { name?: string; expiresIn?: number }, command: Command) => {
      const { output, admin } = openSession(command, world);
      const { name, expiresIn: expiresInSeconds } = options;
      const asked = {
        ...(name !== undefined && { name }),
        ...(expiresInSeconds !== undefined && { expiresInSeconds }),
      };
      tell(output, await admin().createKey(ownerOf(options), asked));
    });
  add('rotate', 'replace a key')
    .argument('<keyId>')
    .option('--overlap <seconds>', 'how long the old one works on', readInteger)
    .action(async (keyId: string, options: OwnerOptions & { overlap?: number }, command: Command) => {
      const { output, admin } = openSession(command, world);
      const { overlap: overlapSeconds } = options;
      const asked = overlapSeconds === undefined ? {} : { overlapSeconds };
      tell(output, await admin().rotateKey(ownerOf(options), keyId, asked));
    });
  keys
    .command('revoke')
    .description('end a key')
    .argument('<keyId>')
    .option('--admin', 'it is an admin key')
    .action(async (keyId: string, { admin: isAdmin }: { admin?: boolean }, command: Command) => {
      const { output, admin } = openSession(command, world);
      tell(output, await admin().revokeKey(isAdmin === true ? null : 'any', keyId));
    });
}
