import { type Command, Option } from 'commander';
import type { SettingsFlags } from '../config/settings.ts';
import {
  CHANGES_FORMATS,
  EXPORT_FORMATS,
  FORMATS,
  REPORT_FORMATS,
  type ReportFormat,
} from '../render/rows.ts';
import type { ChangesFlags } from './commands/changes.ts';
import type { ExportFlags } from './commands/export.ts';
import type { QueryFlags } from './commands/query/command.ts';
import type { ReportFlags } from './commands/report.ts';
import type { SearchFlags } from './commands/search.ts';
import { EXAMPLES } from './examples.ts';
import type { Wiring } from './wiring.ts';

/** Adds the commands that read the mirror. */
export function addAsking(wiring: Wiring): void {
  addQuery(wiring);
  addExport(wiring);
  addSearch(wiring);
  addHistory(wiring);
  addChanges(wiring);
  addReport(wiring);
}

function addQuery({ program, deps, app, finish }: Wiring): void {
  program
    .command('query')
    .description('run one read-only SQL query')
    .argument('[sql]', 'the statement, @NAME of a saved query, @ to list those, or - for stdin')
    .option('--file <file>', 'read the statement from a file, or from stdin (-)')
    .option('--param <name=value>', 'value for :name in the statement; repeatable', collect)
    .addOption(
      new Option('--format <format>', 'how to print the rows').choices([...FORMATS]).default('table'),
    )
    .option('--json', 'short for --format json')
    .option('--escape-formulas', "in CSV, put ' before text that a spreadsheet would run as a formula")
    .option('--max-rows <count>', 'stop after this many rows')
    .option('--timeout <time>', 'stop the query after this time: 500ms, 30s, 2m')
    .addHelpText('after', EXAMPLES.query)
    .action(async (sql: string | undefined, _options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & QueryFlags>();
      const { queryCommand } = await import('./commands/query/command.ts');
      finish(await queryCommand(await app(flags), sql, flags, deps));
    });
}

function addExport({ program, deps, app, finish }: Wiring): void {
  program
    .command('export')
    .description('write a table, a view or a query as CSV, JSON lines or Parquet')
    .argument('[what]', 'table or view (default: tasks)')
    .option('--query <sql>', 'export the rows of this SQL statement instead')
    .option('--param <name=value>', 'value for :name in the query; repeatable', collect)
    .option('--since <time>', 'only rows that the mirror has written since: 30d, 2026-01-01')
    .option('--output <file>', 'create or replace this file, complete or not at all (default, and -: stdout)')
    .addOption(
      new Option('--format <format>', 'default: by the ending of the file name, else csv').choices([
        ...EXPORT_FORMATS,
      ]),
    )
    .option('--escape-formulas', "in CSV, put ' before text that a spreadsheet would run as a formula")
    .addHelpText('after', EXAMPLES.export)
    .action(async (what: string | undefined, _options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & ExportFlags>();
      const { exportRows, prints } = await import('./commands/export.ts');
      // A partial file has to be removed; a command that prints can simply end.
      if (prints(flags)) deps.useDefaultSignals();
      finish(await exportRows(await app(flags), { ...flags, what }));
    });
}

function addSearch({ program, deps, app, finish }: Wiring): void {
  program
    .command('search')
    .description('find tasks by the words of their message, system prompt and error')
    .argument('<words...>', 'words that the task contains, all of them')
    .option('--status <status>', 'only tasks in this status')
    .option('--user <username>', 'only tasks of this user')
    .option('--since <when>', 'only tasks created since: 30d, 2026-01-01')
    .option('--until <when>', 'only tasks created before')
    .option('--limit <count>', 'print at most this many tasks, 1 to 1000', '20')
    .option('--raw', 'read the words as an FTS5 query')
    .addOption(
      new Option('--format <format>', 'how to print the tasks').choices([...FORMATS]).default('table'),
    )
    .option('--json', 'short for --format json')
    .addHelpText('after', EXAMPLES.search)
    .action(async (words: string[], _options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & SearchFlags & { json?: true }>();
      const { search } = await import('./commands/search.ts');
      deps.useDefaultSignals();
      const format = flags.json === true ? 'json' : flags.format;
      finish(await search(await app(flags), words, { ...flags, format }));
    });
}

function addHistory({ program, app, finish }: Wiring): void {
  program
    .command('history')
    .description('show one task, and every change to it that the mirror saw')
    .argument('<task-id>', 'the id of the task, or its first 4 characters or more')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES.history)
    .action(async (id: string, _options, command: Command) => {
      const { json, ...flags } = command.optsWithGlobals<SettingsFlags & { json?: true }>();
      const { history } = await import('./commands/history.ts');
      finish(await history(await app(flags), id, { json: json === true }));
    });
}

function addChanges({ program, app, finish }: Wiring): void {
  program
    .command('changes')
    .description('print tasks that changed, in the order of their changes, or follow them')
    .option('--since <seq>', 'after the change of this number; start: all, now: none of the past')
    .option('--follow', 'wait for more, from now on unless --since is given')
    .option('--limit <count>', 'end after this many tasks')
    .option('--status <status>', 'only tasks that are in this status now')
    .option('--source <name>', 'only tasks of this source; repeatable', collect)
    .addOption(
      new Option('--format <format>', 'how to print them').choices([...CHANGES_FORMATS]).default('jsonl'),
    )
    .addHelpText('after', EXAMPLES.changes)
    .action(async (_options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & ChangesFlags>();
      const { changes } = await import('./commands/changes.ts');
      finish(await changes(await app(flags), flags));
    });
}

function addReport({ program, io, deps, app, finish }: Wiring): void {
  program
    .command('report')
    .description('run a built-in report; without a name, list them')
    .argument('[name]', 'the report')
    .option('--since <moment>', 'only tasks created since: 30d, 12h, 2026-01-01, or a UTC time')
    .option('--until <moment>', 'only tasks created before')
    .option('--user <name>', 'only tasks of this user')
    .option('--status <status>', 'only tasks in this status')
    .option('--limit <rows>', 'print at most this many rows of a table')
    .option('--timezone <name>', 'IANA time zone for days, hours and times (default: the setting timezone)')
    .addOption(
      new Option('--format <format>', 'how to print it').choices([...REPORT_FORMATS]).default('table'),
    )
    .option('--json', 'short for --format json')
    .addHelpText('after', EXAMPLES.report)
    .action(async (name: string | undefined, _options, command: Command) => {
      const flags = command.optsWithGlobals<
        SettingsFlags & ReportFlags & { json?: true; format: ReportFormat }
      >();
      const { report, reportList } = await import('./commands/report.ts');
      deps.useDefaultSignals();
      const chosen = flags.json === true ? 'json' : flags.format;
      finish(
        name === undefined
          ? await reportList(io, chosen)
          : await report(await app(flags), name, flags, chosen),
      );
    });
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
