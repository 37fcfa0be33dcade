import type { Log } from '@juice/observability';

export type CollectedLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly event: string };

/** A log that keeps its lines for the test to look at. */
export function createCollectedLog(): {
  log: Log;
  lines: CollectedLine[];
  of(event: string): readonly CollectedLine[];
} {
  const lines: CollectedLine[] = [];
  const write =
    (level: string): Log['info'] =>
    (event, fields = {}) =>
      void lines.push({ ...fields, level, event });
  const log: Log = {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    child: () => log,
    isEnabled: () => true,
    close: async () => undefined,
  };
  return { log, lines, of: (name) => lines.filter(({ event }) => event === name) };
}
