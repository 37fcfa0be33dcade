import { DependencyFailure } from '@juice/contracts';

/** What is needed of the broker. */
export interface ChangeSource {
  listen(
    exchange: 'juice.commands',
    pattern: 'command.tenant-changed',
    onPublished: () => void,
  ): Promise<{ cancel(): Promise<void> }>;
}

/**
 * Calls back when what is set for some tenant was changed. A hint: without the broker what is remembered of tenants grows as old as
 * it may, and no older.
 */
export async function listenForTenantChanges(
  source: ChangeSource,
  onChanged: () => void,
): Promise<{ close(): Promise<void> }> {
  try {
    const listener = await source.listen('juice.commands', 'command.tenant-changed', onChanged);
    return { close: () => listener.cancel().catch(passOver) };
  } catch (error: unknown) {
    passOver(error);
    return { close: async () => undefined };
  }
}

function passOver(error: unknown): void {
  if (!(error instanceof DependencyFailure)) throw error;
}
