import { valueAt } from '../../config/draft.ts';
import { secretState } from '../../config/secret.ts';
import type { SecretState } from '../../config/secret.ts';
import { describeKey } from '../../config/key.ts';
import { loadSettings } from '../../config/load.ts';
import { settingsJsonSchema } from '../../config/schema.ts';
import { describeOrigin } from '../../config/settings.ts';
import type {
  SecretReference,
  LoadedSettings,
  Origin,
  Settings,
  SettingsFlags,
} from '../../config/settings.ts';
import { shownHookUrl } from '../../model/hook-url.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../../platform/terminal.ts';
import { recordLines, type TableOptions, tableLines, type TextColumn } from '../../render/reports/table.ts';
import { columnsOf, counted, folded, printable } from '../../render/text.ts';
import { writeAll } from '../../render/write.ts';

/** Columns to which values and their origins are folded if a terminal is narrow. */
const LEAST_VALUE = 20;
const LEAST_ORIGIN = 12;

/** A setting as `config show --json` prints it. */
export interface SettingLine {
  /** `sync.pageSize`, `sources[0].apiKey` */
  setting: string;
  /** For a key or a password only its place, never the secret. */
  value: unknown;
  origin: Origin;
  /** For a key or a password: whether there is one. A command is not run to check. */
  key?: SecretState;
}

/** The output of `config show --json`: a contract that only ever gains fields. */
export interface SettingsReport {
  /** Absolute path of the settings file; null if there is none. */
  file: string | null;
  settings: SettingLine[];
}

/** Returns every setting with its value and its origin. */
export function describeSettings(
  { settings, origins, file }: LoadedSettings,
  io: Pick<Io, 'env' | 'cwd'>,
): SettingsReport {
  const { databasePassword, queryDatabasePassword } = settings;
  const secrets = new Map<string, SecretReference | null>([
    ...settings.sources.map(({ apiKey }, index) => [`sources[${index}].apiKey`, apiKey] as const),
    ...settings.hooks.flatMap(({ secret }, index) =>
      secret === null ? [] : [[`hooks[${index}].secret`, secret] as const],
    ),
    ...Object.entries({ databasePassword, queryDatabasePassword }),
  ]);
  const lines = [...origins].map(([setting, origin]): SettingLine => {
    const reference = secrets.get(setting) ?? null;
    if (reference === null) {
      return { setting, value: shownValue(setting, valueAt(settings, setting.split(/[.[\]]+/))), origin };
    }
    return { setting, value: withoutSecrets(reference), origin, key: secretState(reference, io) };
  });
  return { file, settings: lines };
}

/** Cuts the address of a hook where a secret may begin, and hides what its command is given. */
function shownValue(setting: string, value: unknown): unknown {
  if (/^hooks\[\d+\]\.url$/.test(setting) && typeof value === 'string') return shownHookUrl(value);
  const isCommand = /^hooks\[\d+\]\.command$/.test(setting) && Array.isArray(value) && value.length > 1;
  return isCommand ? [value[0], '[not shown]'] : value;
}

/** `taskmirror config check`. Throws UsageError, which names every problem. */
export async function configCheck(io: Io, { flags }: { flags: SettingsFlags }): Promise<ExitCode> {
  const { settings, file } = await loadSettings({ env: io.env, cwd: io.cwd, flags });
  const found = `${file === null ? 'no settings file' : printable(file)}, ${counted(settings.sources.length, 'source')}`;
  const text = [`ok: ${found}`, ...notesOn(settings, io).map((note) => `  note: ${note}`)].join('\n');
  await writeAll(io.stdout, [`${folded(text, columnsOf(io.stdout))}\n`]);
  return EXIT.done;
}

/** Returns what valid settings still lack for a sync and for their hooks. */
function notesOn(settings: Settings, io: Pick<Io, 'env' | 'cwd'>): string[] {
  const ofHooks = settings.hooks
    .filter(({ secret }) => secret !== null && secretState(secret, io) === 'not set')
    .map(({ name }) => `hook "${printable(name)}" has no secret yet`);
  return [...notesOnSources(settings, io), ...ofHooks];
}

function notesOnSources({ sources }: Settings, io: Pick<Io, 'env' | 'cwd'>): string[] {
  if (sources.length === 0)
    return ['no source is set, so there is nothing to mirror: set SIGMIC_API_KEY, or name sources'];
  return sources
    .filter(({ apiKey }) => secretState(apiKey, io) === 'not set')
    .map(
      (source) =>
        `source "${printable(source.name)}" has no key yet: nothing is in ${printable(describeKey(source, io.cwd))}`,
    );
}

/** `taskmirror config show`. Throws UsageError, as `config check` does. */
export async function configShow(
  io: Io,
  { flags, json }: { flags: SettingsFlags; json: boolean },
): Promise<ExitCode> {
  const report = describeSettings(await loadSettings({ env: io.env, cwd: io.cwd, flags }), io);
  await writeAll(io.stdout, [
    json
      ? `${JSON.stringify(report, null, 2)}\n`
      : settingsTable(report, columnsOf(io.stdout))
          .map((line) => `${line}\n`)
          .join(''),
  ]);
  return EXIT.done;
}

/** `taskmirror config schema`: the text of config.schema.json. */
export async function configSchema(io: Io): Promise<ExitCode> {
  await writeAll(io.stdout, [settingsJsonSchema()]);
  return EXIT.done;
}

/** Draws the settings with whole values, on as many lines as a terminal needs: a path that is cut helps nobody. */
function settingsTable({ file, settings }: SettingsReport, width: number): string[] {
  const columns = [
    { title: 'setting', cells: settings.map(({ setting }) => setting), least: Infinity },
    { title: 'value', cells: settings.map(valueText), least: LEAST_VALUE },
    { title: 'from', cells: settings.map(({ origin }) => originText(origin)), least: LEAST_ORIGIN },
  ].map(({ cells, ...column }): TextColumn => ({
    ...column,
    cells: cells.map(printable),
    align: 'left',
    lines: Infinity,
  }));
  const sheet: TableOptions = { width, gap: 2, paint: (_style, text) => text };
  const head = file === null ? [] : [`file ${printable(file)}`, ''];
  return [...head, ...(tableLines(columns, sheet) ?? recordLines(columns, sheet))];
}

function valueText({ value, key }: SettingLine): string {
  return `${typeof value === 'string' ? value : JSON.stringify(value)}${key === undefined ? '' : ` (${key})`}`;
}

/** The file is named above the table. */
function originText(origin: Origin): string {
  if (origin.kind === 'file') return 'file';
  return origin.kind === 'environment' ? `variable ${origin.variable}` : describeOrigin(origin);
}

/** Hides a command completely: it may hold a password, or a key in another form than ours. */
function withoutSecrets(reference: SecretReference): SecretReference {
  return 'command' in reference ? { command: '[not shown]' } : reference;
}
