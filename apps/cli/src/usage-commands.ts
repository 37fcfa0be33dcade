import { Option, type Command } from 'commander';
import type { UsageAmounts } from '@juice/contracts';
import { adminOption, readDay } from './options.ts';
import { tellAll, type Output } from './output.ts';
import { openSession, type World } from './world.ts';

interface UsageOptions {
  readonly from?: string;
  readonly to?: string;
  readonly admin?: boolean;
  readonly of?: string;
  readonly csv?: boolean;
}

type Row = UsageAmounts & { readonly day: string; readonly tenantId?: string };

/** `juice usage`: to look at, and to export as CSV or (--json) a line for each day. */
export function addUsageCommands(program: Command, world: World): void {
  program
    .command('usage')
    .description('what the tenant has used, by days of UTC')
    .option('--from <day>', 'the first day; the first of the last day’s month when left out', readDay)
    .option('--to <day>', 'the last day; today when left out', readDay)
    .addOption(adminOption)
    .addOption(new Option('--of <tenant>', 'of this tenant alone, with --admin').implies({ admin: true }))
    .option('--csv', 'as a table for other programs')
    .action(async (options: UsageOptions, command: Command) => {
      const { output, tenant, admin } = openSession(command, world);
      const range = { firstDay: options.from, lastDay: options.to };
      const rows: Row[] = [];
      if (options.admin === true) {
        for await (const row of admin().usage({ ...range, tenant: options.of })) rows.push(row);
      } else rows.push(...(await tenant().usage(range)).days);
      if (options.csv === true) return writeCsv(output, rows, options.admin === true ? ['tenantId'] : []);
      tellAll(output, rows, {
        day: ({ day }) => day,
        ...(options.admin === true && { tenant: ({ tenantId }: Row) => tenantId }),
        tasks: ({ tasks }) => tasks,
        finished: ({ finished }) => finished,
        failed: ({ failed }) => failed,
        killed: ({ killed }) => killed,
        expired: ({ expired }) => expired,
        attempts: ({ attempts }) => attempts,
        'cpu hours': ({ cpuSeconds }) => (cpuSeconds / 3600).toFixed(2),
        'gb hours': ({ memMbSeconds }) => (memMbSeconds / 1024 / 3600).toFixed(2),
        'gpu hours': ({ gpuSeconds }) => (gpuSeconds / 3600).toFixed(2),
      });
    });
}

/** No cell needs quotes: days, ids of tenants and numbers have neither a comma, nor a quote, nor a line's end. */
function writeCsv({ say }: Output, rows: readonly Row[], whose: readonly 'tenantId'[]): void {
  const columns = [
    ...(['day', ...whose, 'tasks', 'finished', 'failed', 'killed', 'expired'] as const),
    ...(['attempts', 'cpuSeconds', 'memMbSeconds', 'gpuSeconds'] as const),
  ];
  say(columns.join(','));
  for (const row of rows) say(columns.map((name) => row[name] ?? '').join(','));
}
