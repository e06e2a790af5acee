import { dirname, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { readBounded } from './bounded-file.ts';
import { DEFAULTS } from './defaults.ts';
import { isRecord, originOf, overlay, pathText, placeOf } from './draft.ts';
import type { Draft, Path } from './draft.ts';
import { overlayDefaultSource, overlayEnvironment } from './environment.ts';
import { parseJson } from './json-text.ts';
import { describeIssues, settingsError } from './problems.ts';
import { checkSettings } from './schema.ts';
import type {
  Environment,
  LoadedSettings,
  Origin,
  Settings,
  SettingsFlags,
  SourceSettings,
} from './settings.ts';

const DEFAULT_FILE = 'taskmirror.config.json';
const MAX_FILE_KILOBYTES = 1024;

export interface SettingsInput {
  env: Environment;
  /** Absolute path of the working directory. */
  cwd: string;
  flags: SettingsFlags;
}

/**
 * Puts the settings together (flag over environment over file over default) and checks them. Relative paths
 * start at the file's folder where they stand in the file, at the working directory elsewhere. A mirror can
 * be read without any source, so none is no error here: see {@link requireSources}.
 *
 * Throws one UsageError that names every problem.
 */
export function loadSettings(input: SettingsInput): LoadedSettings {
  const problems: string[] = [];
  const draft = readFile(input, problems);
  problems.push(...overlayEnvironment(draft, input.env));
  overlayDefaultSource(draft, input.env);
  if (input.flags.db !== undefined) {
    overlay(draft, ['database'], input.flags.db, { kind: 'flag', flag: '--db' });
  }

  const checked = checkSettings(draft.values);
  if (!checked.success) problems.push(...describeIssues(draft, checked.error.issues));
  if (!checked.success || problems.length > 0) throw settingsError(problems);

  const { $schema: _, ...values } = checked.data;
  const settings = withAbsolutePaths({ ...DEFAULTS, ...values }, draft, input.cwd);
  return { settings, origins: originsOf(settings, draft), file: draft.file };
}

/** The sources of a command that needs at least one. Throws UsageError, saying how to set one, where there is none. */
export function requireSources(settings: Settings): SourceSettings[] {
  if (settings.sources.length > 0) return settings.sources;
  throw new UsageError('No source is set: there is nothing to mirror.', {
    hint: `Set the environment variable SIGMIC_API_KEY to an API key, or name sources in ${DEFAULT_FILE} (see config.example.json).`,
  });
}

/** A draft of the settings file; an empty one where there is no file, or where it cannot be used. */
function readFile({ env, cwd, flags }: SettingsInput, problems: string[]): Draft {
  const named = flags.config ?? env['TASKMIRROR_CONFIG'];
  const origin = flags.config === undefined ? 'environment variable TASKMIRROR_CONFIG' : 'flag --config';
  const none: Draft = { values: {}, overlaid: new Map(), file: null };
  if (named === '') {
    problems.push(`${origin} is empty: expected the path of a settings file`);
    return none;
  }

  const path = resolve(cwd, named ?? DEFAULT_FILE);
  const label = named === undefined ? path : `${path} (${origin})`;
  const file = readBounded(path, MAX_FILE_KILOBYTES);
  if ('failure' in file) {
    if (named !== undefined || !file.isMissing) problems.push(`settings file ${label} ${file.failure}`);
    return none;
  }
  const parsed = parseJson(file.text);
  if ('failure' in parsed) problems.push(`settings file ${label} is not valid JSON: ${parsed.failure}`);
  else if (isRecord(parsed.value)) return { ...none, values: parsed.value, file: path };
  else problems.push(`settings file ${label} does not hold a JSON object`);
  return none;
}

function withAbsolutePaths(settings: Settings, draft: Draft, cwd: string): Settings {
  const absolute = (path: string, place: Origin) =>
    resolve(place.kind === 'file' ? dirname(place.path) : cwd, path);
  return {
    ...settings,
    database: absolute(settings.database, originOf(draft, ['database'])),
    queriesFolder: absolute(settings.queriesFolder, originOf(draft, ['queriesFolder'])),
    sources: settings.sources.map(({ apiKey, ...source }, index) => ({
      ...source,
      apiKey:
        'file' in apiKey
          ? { file: absolute(apiKey.file, placeOf(draft, ['sources', index, 'apiKey'])) }
          : apiKey,
    })),
  };
}

function originsOf(settings: Settings, draft: Draft): Map<string, Origin> {
  const ofSources = settings.sources.flatMap((source, index) =>
    Object.keys(source).map((name): Path => ['sources', index, name]),
  );
  const paths = leafPaths(settings, []).flatMap((path) =>
    path[0] === 'sources' && ofSources.length > 0 ? ofSources : [path],
  );
  return new Map(paths.map((path) => [pathText(path), originOf(draft, path)]));
}

/** Where the values are: the paths of whatever is no section. */
function leafPaths(section: object, parents: Path): Path[] {
  return Object.entries(section).flatMap(([name, value]) =>
    isRecord(value) ? leafPaths(value, [...parents, name]) : [[...parents, name]],
  );
}
