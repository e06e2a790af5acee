import { Argument, type Command } from 'commander';
import type { SettingsFlags } from '../config/settings.ts';
import { isPostgresUrl } from '../model/postgres-url.ts';
import type { Io } from '../platform/terminal.ts';
import { type Shell, SHELLS } from './completion/shells.ts';
import { CommandLineError } from './command-line-error.ts';
import type { DemoFlags } from './commands/demo/demo.ts';
import { EXAMPLES } from './examples.ts';
import { createApp, makeSchema, startDemoApi } from './wire.ts';
import type { Wiring } from './wiring.ts';

/** Adds the commands that need no mirror. */
export function addSetup(wiring: Wiring): void {
  addDemo(wiring);
  addCompletion(wiring);
  addConfig(wiring);
}

function addDemo({ program, io, deps, finish }: Wiring): void {
  program
    .command('demo')
    .description('mirror a simulated API: no key, no network')
    .option('--tasks <count>', 'number of tasks at the start', '30000')
    .option('--keep <file>', 'keep the mirror in this file; with --db, in this schema')
    .addHelpText('after', EXAMPLES.demo)
    .action(async (_options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & DemoFlags>();
      assertOwnMirror(flags);
      const { demo } = await import('./commands/demo/demo.ts');
      const { loadSettings } = await import('../config/load.ts');
      const contextFor = async (env: Io['env'], db: string, defaultLevel: 'warn' | 'error' = 'error') =>
        createApp({
          ...deps,
          io: { ...io, env },
          loaded: await loadSettings({ env, cwd: io.cwd, flags: { db }, readsFile: false }),
          defaultLevel,
        });
      const startApi = ({ tasks: count, key }: { tasks: number; key: string }) =>
        startDemoApi({ count, key, signal: deps.signal });
      finish(await demo({ ...deps, startApi, contextFor, makeSchema }, flags));
    });
}

/**
 * Throws UsageError for a flag that names settings or a file: the demo has its own, and must not touch a real
 * mirror. In a PostgreSQL database it makes a schema of its own.
 */
function assertOwnMirror({ config, db }: SettingsFlags): void {
  if (db !== undefined && !isPostgresUrl(db)) {
    throw new CommandLineError('--db cannot be used with demo to name a file: it makes its own mirror', {
      hint: 'Leave it out, or name a PostgreSQL database; --keep FILE keeps that mirror.',
    });
  }
  if (config !== undefined) {
    throw new CommandLineError('--config cannot be used with demo, which makes its own mirror', {
      hint: 'Leave it out; --keep FILE keeps that mirror.',
    });
  }
}

function addCompletion({ program, io, finish }: Wiring): void {
  program
    .command('completion')
    .description('print a script that lets a shell complete commands and flags')
    .addArgument(new Argument('<shell>', 'which shell').choices([...SHELLS]))
    .addHelpText('after', EXAMPLES.completion)
    .action(async (shell: Shell) => {
      const { completion } = await import('./commands/completion.ts');
      finish(completion(io, program, shell));
    });
}

function addConfig({ program, io, finish }: Wiring): void {
  const config = program
    .command('config')
    .description('check and show the settings')
    // Its subcommands show them too.
    .addHelpText('afterAll', EXAMPLES.config);
  config
    .command('check')
    .description('check the settings and report every problem')
    .action(async (_options, command: Command) => {
      const { configCheck } = await import('./commands/config.ts');
      finish(await configCheck(io, { flags: command.optsWithGlobals<SettingsFlags>() }));
    });
  config
    .command('show')
    .description('show every setting, its value and its origin; never a key')
    .option('--json', 'print one JSON object')
    .action(async (_options, command: Command) => {
      const { json, ...flags } = command.optsWithGlobals<SettingsFlags & { json?: true }>();
      const { configShow } = await import('./commands/config.ts');
      finish(await configShow(io, { flags, json: json === true }));
    });
  config
    .command('schema')
    .description('print the JSON Schema of the settings file, for editors')
    .action(async () => {
      const { configSchema } = await import('./commands/config.ts');
      finish(await configSchema(io));
    });
}
