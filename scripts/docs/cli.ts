import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { createRedactor } from '../../src/platform/redact.ts';

/** Terminal columns that the help texts are laid out for. */
const COLUMNS = 80;

/** A command with its whole name and what `--help` prints. */
export interface CommandHelp {
  /** `taskmirror config show` */
  name: string;
  command: Command;
  help: string;
}

/** Returns every command of the program, the program itself first. */
export function commandsWithHelp(): CommandHelp[] {
  let printed = '';
  const output = { columns: COLUMNS, write: (text: string) => (printed += text) };
  const parts = {
    io: { stdout: output, stderr: output, env: {}, cwd: '/' },
    signal: new AbortController().signal,
    redactor: createRedactor(),
    stdin: () => Readable.from([]),
    program: [''] as const,
    useDefaultSignals: () => {},
  };
  const program = createProgram(parts, () => {});
  const below = (command: Command, parents: string): CommandHelp[] => {
    const name = `${parents}${command.name()}`;
    printed = '';
    command.outputHelp();
    return [
      { name, command, help: printed.trim() },
      ...command.commands.flatMap((child) => below(child, `${name} `)),
    ];
  };
  return below(program, '');
}

/** Returns a section for each command, with the text of its help. */
export function cliReference(): string {
  return commandsWithHelp()
    .map(({ name, help }) => `## \`${name}\`\n\n\`\`\`text\n${help}\n\`\`\``)
    .join('\n\n');
}

/** Returns a line for each command that does something, linked to its help. */
export function commandsTable(): string {
  const lines = commandsWithHelp()
    .filter(({ command }) => command.commands.length === 0)
    .map(({ name, command }) => {
      const link = `docs/cli.md#${name.replaceAll(' ', '-')}`;
      return `| [\`${name}\`](${link}) | ${command.description().replaceAll('|', '\\|')} |`;
    });
  return ['| Command | Does |', '|---|---|', ...lines].join('\n');
}
