import { endpointStoreContract } from '@juice/persistence/testing';
import { createMemoryEndpoints } from '../testing/memory-endpoints.ts';

// The fake that the endpoints' tests stand on does what the real store does.
endpointStoreContract(async () => ({ endpoints: createMemoryEndpoints().store, close: async () => undefined }));
