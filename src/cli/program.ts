import { Command, CommanderError } from 'commander';
import { EXIT, type ExitCode } from './exit.ts';
import { VERSION } from '../model/version.ts';
import { complain, type Output } from '../platform/terminal.ts';
import { addAsking } from './asking.ts';
import { EXAMPLES } from './examples.ts';
import { addMirroring } from './mirroring.ts';
import { addSetup } from './setup.ts';
import { createApp } from './wire.ts';
import type { CliDeps, Wiring } from './wiring.ts';

/** Runs one command line. Throws the command's error: main.ts turns it into an exit code. */
export async function cli(argv: readonly string[], deps: CliDeps): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = createProgram(deps, (code) => {
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

/** Creates the program with every command and flag. */
export function createProgram(deps: CliDeps, finish: (code: ExitCode) => void): Command {
  const { io } = deps;
  const app: Wiring['app'] = async (flags, defaultLevel = 'warn') => {
    const { loadSettings } = await import('../config/load.ts');
    const loaded = await loadSettings({ env: io.env, cwd: io.cwd, flags });
    return createApp({ ...deps, loaded, defaultLevel });
  };
  const program = new Command('taskmirror')
    .description('Keeps an exact copy of the tasks behind a Tasks API key in SQLite or PostgreSQL.')
    .version(VERSION)
    .option('--config <file>', 'settings file (default: ./taskmirror.config.json, if there is one)')
    .option('--db <file>', 'the mirror: a file (default: ./taskmirror.db), or postgres://USER@HOST/DATABASE')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      getErrHelpWidth: () => io.stderr.columns ?? 80,
    })
    .exitOverride()
    .addHelpText('after', EXAMPLES.general);

  const wiring: Wiring = { program, io, deps, app, finish };
  program.commandsGroup('Keep a mirror:');
  addMirroring(wiring);
  program.commandsGroup('Query it:');
  addAsking(wiring);
  program.commandsGroup('Set up:');
  addSetup(wiring);
  complainOfUse(program, io.stderr, program.name());
  return program;
}

/**
 * Lets a command and those below it print Commander's errors, which repeat arguments as typed, and name the
 * help to read. `name`: the command as typed, `taskmirror config show`.
 */
function complainOfUse(command: Command, stderr: Output, name: string): void {
  command.configureOutput({
    outputError: (text) => {
      const [, message = text, suggestion = ''] =
        /^error: ([^]*?)\n(?:\((Did you mean .*\?)\)\n)?$/.exec(text) ?? [];
      complain(stderr, message, `${suggestion} See ${name} --help.`.trim());
    },
  });
  for (const each of command.commands) complainOfUse(each, stderr, `${name} ${each.name()}`);
}
