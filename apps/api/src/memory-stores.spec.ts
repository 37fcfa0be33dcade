import {
  auditStoreContract,
  keyStoreContract,
  requestKeysContract,
  taskPagesContract,
  tenantStoreContract,
  usageStoreContract,
} from '@juice/persistence/testing';
import { createMemoryAudits } from '../testing/memory-audits.ts';
import { createMemoryKeys } from '../testing/memory-keys.ts';
import { createMemoryTasks } from '../testing/memory-tasks.ts';
import { createMemoryTenants } from '../testing/memory-tenants.ts';
import { createMemoryUsage } from '../testing/memory-usage.ts';

// The fakes of these specs promise what the real stores do.

const close = async (): Promise<void> => undefined;

tenantStoreContract(async () => ({ tenants: createMemoryTenants(), close }));
keyStoreContract(async () => ({ keys: createMemoryKeys(), close }));
auditStoreContract(async () => ({ audits: createMemoryAudits(), close }));
requestKeysContract(async () => ({ tasks: createMemoryTasks(), close }));
taskPagesContract(async () => ({ windowed: createMemoryTasks(7), close }));
usageStoreContract(async () => ({ usage: createMemoryUsage(), close }));
