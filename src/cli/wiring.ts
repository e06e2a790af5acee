import type { Command } from 'commander';
import type { Settings, SettingsFlags } from '../config/settings.ts';
import type { ExitCode } from './exit.ts';
import type { Redactor } from '../platform/redact.ts';
import type { Io } from '../platform/terminal.ts';
import type { QueryProcess } from './commands/query/command.ts';
import type { CommandContext } from './context.ts';

export interface CliDeps extends QueryProcess {
  io: Io;
  signal: AbortSignal;
  /** Receives every secret before it is used. */
  redactor: Redactor;
}

/** The parts that commands are added with. */
export interface Wiring {
  program: Command;
  io: Io;
  deps: CliDeps;
  /** Loads the settings and wires the parts. Throws UsageError for invalid settings. */
  app: (flags: SettingsFlags, defaultLevel?: Settings['log']['level']) => Promise<CommandContext>;
  /** Takes the command's exit code. */
  finish: (code: ExitCode) => void;
}
