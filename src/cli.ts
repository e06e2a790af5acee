import { Argument, Command, CommanderError, Option } from 'commander';
import { checkDatabaseFile, copyMirror, createApp, doctorChecks, startDemoApi } from './app.ts';
import { SHELLS, type Shell } from './commands/completion/shells.ts';
import type { Io } from './commands/context.ts';
import type { ExportFlags } from './commands/export.ts';
import { EXPORT_FORMATS, FORMATS, REPORT_FORMATS, type ReportFormat } from './commands/output.ts';
import type { QueryFlags, QueryProcess } from './commands/query/command.ts';
import type { ReportFlags } from './commands/report.ts';
import type { SearchFlags } from './commands/search.ts';
import type { StatusFlags } from './commands/status.ts';
import type { SyncFlags } from './commands/sync.ts';
import type { Settings, SettingsFlags } from './config/settings.ts';
import { EXIT, type ExitCode } from './errors.ts';
import { EXAMPLES } from './examples.ts';
import type { Redactor } from './redact.ts';
import { complain, type Output } from './terminal.ts';
import { VERSION } from './version.ts';

export interface CliParts extends QueryProcess {
  io: Io;
  signal: AbortSignal;
  /** Learns every secret before it is used. */
  redactor: Redactor;
}

/** Runs one command line. Throws what the command throws: main.ts turns that into an exit code. */
export async function cli(argv: readonly string[], parts: CliParts): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = createProgram(parts, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  return exitCode;
}

/** Every command and flag. */
export function createProgram(parts: CliParts, finish: (code: ExitCode) => void): Command {
  const { io } = parts;
  const app = async (flags: SettingsFlags, defaultLevel: Settings['log']['level'] = 'warn') => {
    const { loadSettings } = await import('./config/load.ts');
    const loaded = await loadSettings({ env: io.env, cwd: io.cwd, flags });
    return createApp({ ...parts, loaded, defaultLevel });
  };
  const program = new Command('taskmirror')
    .description('Keeps an exact copy of the tasks behind a Tasks API key in a local SQLite file.')
    .version(VERSION)
    .option('--config <file>', 'settings file (default: ./taskmirror.config.json, if there is one)')
    .option('--db <file>', 'database file (default: ./taskmirror.db)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text) => complainOfUse(io.stderr, text),
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      getErrHelpWidth: () => io.stderr.columns ?? 80,
    })
    .exitOverride()
    .addHelpText('after', EXAMPLES.general);

  program
    .command('sync')
    .description('bring the mirror up to date, once')
    .option('--full', 'walk the whole list: find every edit, remove what is gone')
    .option('--allow-removals', 'with --full: remove however much is gone')
    .option('--dry-run', 'read and plan, but write nothing')
    .option('--json', 'print one object with what was done')
    .addHelpText('after', EXAMPLES.sync)
    .action(async (_options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & Partial<SyncFlags>>();
      const { full, allowRemovals, dryRun } = flags;
      const { sync } = await import('./commands/sync.ts');
      finish(await sync(await app(flags), { json: flags.json === true, full, allowRemovals, dryRun }));
    });

  program
    .command('daemon')
    .description('keep the mirror up to date, on a schedule, until stopped')
    .addHelpText('after', EXAMPLES.daemon)
    .action(async (_options, command: Command) => {
      const { daemon } = await import('./commands/daemon.ts');
      const { followSchedule } = await import('./schedule.ts');
      const context = await app(command.optsWithGlobals<SettingsFlags>(), 'info');
      finish(await daemon({ ...context, followSchedule }));
    });

  program
    .command('status')
    .description('what is mirrored, how fresh it is, and what is not proven')
    .option('--json', 'print one object')
    .option('--max-age <time>', 'exit code 6 where the last success is longer ago: 15m, 2h, 1d')
    .addHelpText('after', EXAMPLES.status)
    .action(async (_options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & Partial<StatusFlags>>();
      const { status } = await import('./commands/status.ts');
      finish(await status(await app(flags), { json: flags.json === true, maxAge: flags.maxAge }));
    });

  program
    .command('query')
    .description('put one SQL statement that only reads to the mirror')
    .argument('[sql]', 'the statement, @NAME of a saved query, @ to list those, or - for stdin')
    .option('--file <file>', 'take the statement from a file, or from stdin: -')
    .option('--param <name=value>', 'a value for :name in the statement; once for each', collect)
    .addOption(
      new Option('--format <format>', 'how to print the rows').choices([...FORMATS]).default('table'),
    )
    .option('--json', 'short for --format json')
    .option('--escape-formulas', "in CSV, put ' before text that a spreadsheet would run")
    .option('--max-rows <count>', 'stop after so many rows')
    .option('--timeout <time>', 'stop the query after this time: 500ms, 30s, 2m')
    .addHelpText('after', EXAMPLES.query)
    .action(async (sql: string | undefined, _options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & QueryFlags>();
      const { queryCommand } = await import('./commands/query/command.ts');
      finish(await queryCommand(await app(flags), sql, flags, parts));
    });

  program
    .command('export')
    .description('write a table, a view or a query as CSV, JSON lines or Parquet')
    .argument('[what]', 'table or view (default: tasks)')
    .option('--query <sql>', 'export what this statement gives instead')
    .option('--param <name=value>', 'a value for :name in the query; once for each', collect)
    .option('--since <time>', 'only what the mirror has touched since: 30d, 2026-01-01')
    .option('--output <file>', 'make or replace this file, once all is written (default, and -: print)')
    .addOption(
      new Option('--format <format>', 'default: what the file name ends in, else csv').choices([
        ...EXPORT_FORMATS,
      ]),
    )
    .option('--escape-formulas', "csv: put a ' before text that a spreadsheet would run")
    .addHelpText('after', EXAMPLES.export)
    .action(async (what: string | undefined, _options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & ExportFlags>();
      const { exportRows, prints } = await import('./commands/export.ts');
      // A file that is half written has to be removed: what prints can just end.
      if (prints(flags)) parts.useDefaultSignals();
      finish(await exportRows(await app(flags), { ...flags, what }));
    });

  program
    .command('snapshot')
    .description('copy the mirror as it stands into one file that others can read')
    .argument('<file>', 'the copy; must not be there yet')
    .option('--json', 'print one object')
    .addHelpText('after', EXAMPLES.snapshot)
    .action(async (file: string, _options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & { json?: true }>();
      const { snapshot } = await import('./commands/snapshot.ts');
      finish(await snapshot({ ...(await app(flags)), copyMirror }, file, { json: flags.json === true }));
    });

  program
    .command('search')
    .description('find tasks by the words of their message, system prompt and error')
    .argument('<words...>', 'a task has to hold all of them')
    .option('--status <status>', 'only tasks of this status')
    .option('--user <username>', 'only tasks of this user')
    .option('--since <when>', 'only tasks created since: 30d, 2026-01-01')
    .option('--until <when>', 'only tasks created before')
    .option('--limit <count>', 'tasks at most, 1 to 1000', '20')
    .option('--raw', "the words are a query in FTS5's own language")
    .addOption(
      new Option('--format <format>', 'how to print the tasks').choices([...FORMATS]).default('table'),
    )
    .option('--json', 'short for --format json')
    .addHelpText('after', EXAMPLES.search)
    .action(async (words: string[], _options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & SearchFlags & { json?: true }>();
      const { search } = await import('./commands/search.ts');
      parts.useDefaultSignals();
      const format = flags.json === true ? 'json' : flags.format;
      finish(await search(await app(flags), words, { ...flags, format }));
    });

  program
    .command('history')
    .description('one task, and everything that the mirror saw happen to it')
    .argument('<task-id>', 'its id, or at least the first 4 characters of it')
    .option('--json', 'print one object')
    .addHelpText('after', EXAMPLES.history)
    .action(async (id: string, _options, command: Command) => {
      const { json, ...flags } = command.optsWithGlobals<SettingsFlags & { json?: true }>();
      const { history } = await import('./commands/history.ts');
      finish(await history(await app(flags), id, { json: json === true }));
    });

  program
    .command('report')
    .description('what people ask most: counts, latency, failures, what is open; alone: the list')
    .argument('[name]', 'the report')
    .option('--since <moment>', 'tasks created then or later: 30d, 12h, 2026-01-01, or a UTC time')
    .option('--until <moment>', 'tasks created before')
    .option('--user <name>', 'tasks of this user')
    .option('--status <status>', 'tasks in this status')
    .option('--limit <rows>', 'rows of a table at most')
    .option('--timezone <name>', 'IANA name for days, hours and times (default: the setting timezone)')
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
      parts.useDefaultSignals();
      const chosen = flags.json === true ? 'json' : flags.format;
      finish(
        name === undefined
          ? await reportList(io, chosen)
          : await report(await app(flags), name, flags, chosen),
      );
    });

  program
    .command('verify')
    .description('compare the mirror with the whole list, field by field, without writing')
    .option('--quick', 'check the file only; ask no API')
    .option('--json', 'print one object')
    .addHelpText('after', EXAMPLES.verify)
    .action(async (_options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & { json?: true; quick?: true }>();
      const { verify } = await import('./commands/verify.ts');
      const context = await app(flags);
      const checkFile = () => checkDatabaseFile(context.settings.database);
      finish(
        await verify({ ...context, checkFile }, { json: flags.json === true, quick: flags.quick === true }),
      );
    });

  program
    .command('doctor')
    .description('check settings, keys, the API, the clock, the database and the disk')
    .option('--json', 'print one object')
    .addHelpText('after', EXAMPLES.doctor)
    .action(async (_options, command: Command) => {
      const { json, ...flags } = command.optsWithGlobals<SettingsFlags & { json?: true }>();
      const { doctor } = await import('./commands/doctor.ts');
      const context = await app(flags);
      finish(await doctor(io, await doctorChecks(context), { json: json === true }));
    });

  program
    .command('demo')
    .description('mirror a simulated API: no key, no network')
    .option('--tasks <count>', 'how many tasks it starts with', '30000')
    .option('--keep <file>', 'keep the mirror in this file')
    .addHelpText('after', EXAMPLES.demo)
    .action(async ({ tasks, keep }: { tasks: string; keep?: string }) => {
      const { demo } = await import('./commands/demo.ts');
      const { loadSettings } = await import('./config/load.ts');
      const contextFor = async (env: Io['env'], db: string) =>
        createApp({
          ...parts,
          io: { ...io, env },
          loaded: await loadSettings({ env, cwd: io.cwd, flags: { db } }),
          defaultLevel: 'error',
        });
      const startApi = ({ tasks: count, key }: { tasks: number; key: string }) =>
        startDemoApi({ count, key, signal: parts.signal });
      finish(await demo({ ...parts, startApi, contextFor }, { tasks, keep }));
    });

  program
    .command('completion')
    .description('print a script that lets a shell complete commands and flags')
    .addArgument(new Argument('<shell>', 'which shell').choices([...SHELLS]))
    .addHelpText('after', EXAMPLES.completion)
    .action(async (shell: Shell) => {
      const { completion } = await import('./commands/completion.ts');
      finish(completion(io, program, shell));
    });

  addConfig(program, io, finish);
  return program;
}

/** Commander's words, which repeat arguments as they came. */
function complainOfUse(stderr: Output, text: string): void {
  const [, message = text, suggestion = ''] =
    /^error: ([^]*?)\n(?:\((Did you mean .*\?)\)\n)?$/.exec(text) ?? [];
  complain(stderr, message, `${suggestion} See taskmirror --help.`.trim());
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function addConfig(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  const config = program
    .command('config')
    .description('check and show the settings')
    // Its commands show them too.
    .addHelpText('afterAll', EXAMPLES.config);
  config
    .command('check')
    .description('say whether the settings are valid, and everything that is wrong with them')
    .action(async (_options, command: Command) => {
      const { configCheck } = await import('./commands/config.ts');
      finish(await configCheck(io, { flags: command.optsWithGlobals<SettingsFlags>() }));
    });
  config
    .command('show')
    .description('every setting, its value, and where that came from; never a key')
    .option('--json', 'print one object')
    .action(async (_options, command: Command) => {
      const { json, ...flags } = command.optsWithGlobals<SettingsFlags & { json?: true }>();
      const { configShow } = await import('./commands/config.ts');
      finish(await configShow(io, { flags, json: json === true }));
    });
  config
    .command('schema')
    .description('the JSON Schema of the settings file, for editors')
    .action(async () => {
      const { configSchema } = await import('./commands/config.ts');
      finish(await configSchema(io));
    });
}
