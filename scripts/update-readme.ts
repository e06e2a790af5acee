/**
 * Writes the parts of README.md that the program itself knows: the table of settings and the CLI reference.
 * Run by `npm run readme`; test/readme.test.ts holds that it was.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { format, resolveConfig } from 'prettier';
import { createProgram } from '../src/cli/program.ts';
import { settingLeaves } from '../src/config/leaves.ts';
import { settingsJsonSchema } from '../src/config/schema.ts';
import { createRedactor } from '../src/platform/redact.ts';

export const README = resolve(import.meta.dirname, '../README.md');

/** The columns of a terminal for which the help texts are laid out. */
const COLUMNS = 80;

/** The text of the README with its generated parts as they should be. Throws Error where a marker is missing. */
export async function updatedReadme(text: string): Promise<string> {
  const parts = { settings: settingsTable(), cli: cliReference() };
  const updated = Object.entries(parts).reduce((rest, [name, part]) => replacePart(rest, name, part), text);
  return format(updated, { ...(await resolveConfig(README)), parser: 'markdown' });
}

function replacePart(text: string, name: string, content: string): string {
  const begin = `<!-- ${name}: written by "npm run readme" -->`;
  const end = `<!-- ${name}: end -->`;
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`README.md needs the lines ${begin} and ${end}.`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

/** A command with its whole name and what `--help` prints. */
export interface CommandHelp {
  /** `taskmirror config show` */
  name: string;
  command: Command;
  help: string;
}

/** Every command of the program, the program itself first. */
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

function cliReference(): string {
  return commandsWithHelp()
    .map(({ name, help }) => `### \`${name}\`\n\n\`\`\`text\n${help}\n\`\`\``)
    .join('\n\n');
}

/** The part of JSON Schema that the settings use. */
interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
}

function settingsTable(): string {
  const schema: Schema = JSON.parse(settingsJsonSchema());
  const variables = new Map(settingLeaves().map(({ path, variable }) => [path.join('.'), variable]));
  const lines = settingsOf(schema, '').map(([path, setting]) => {
    const names = [path, variables.get(path)].filter((name) => name !== undefined);
    const value = setting.default === undefined ? '' : code(setting.default);
    // The descriptions are written to be read in the settings file.
    const meaning = setting.description?.replaceAll('this file', 'the settings file') ?? '';
    return `| ${names.map((name) => `\`${name}\``).join('<br>')} | ${valuesOf(setting)} | ${value} | ${meaning} |`;
  });
  return ['| Setting | Values | Default | Meaning |', '|---|---|---|---|', ...lines].join('\n');
}

/** Every setting that holds a value, and the list of sources followed by what stands in each. */
function settingsOf(schema: Schema, path: string): [path: string, setting: Schema][] {
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([name, child]) =>
      settingsOf(child, path === '' ? name : `${path}.${name}`),
    );
  }
  const items = schema.items?.properties === undefined ? [] : settingsOf(schema.items, `${path}[]`);
  return [[path, schema], ...items];
}

/** What may stand there, in words. */
function valuesOf(schema: Schema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(valuesOf).join(' or ');
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.properties !== undefined) {
    return `\`{ ${Object.keys(schema.properties)
      .map((name) => `"${name}": "…"`)
      .join(', ')} }\``;
  }
  switch (schema.type) {
    case 'array':
      return `a list of at most ${schema.maxItems}${schema.items?.enum === undefined ? '' : ` of ${valuesOf(schema.items)}`}`;
    case 'string':
      return schema.maxLength === undefined ? 'text' : `text of at most ${schema.maxLength} characters`;
    case 'boolean':
      return '`true`, `false`';
    case 'integer':
      return `whole number, ${schema.minimum} to ${schema.maximum}`;
    case 'number':
      return schema.minimum === undefined
        ? `number above ${schema.exclusiveMinimum}, at most ${schema.maximum}`
        : `number, ${schema.minimum} to ${schema.maximum}`;
    default:
      return code(null);
  }
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}

if (import.meta.main) writeFileSync(README, await updatedReadme(readFileSync(README, 'utf8')));
