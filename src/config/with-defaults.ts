import { dirname } from 'node:path';
import { DEFAULTS } from './defaults.ts';
import { isRecord, originOf, pathText, placeOf } from './draft.ts';
import type { Draft, Path } from './draft.ts';
import { isPostgresUrl, withSslRootCert } from '../model/postgres-url.ts';
import { absolutePath } from '../platform/paths.ts';
import type { HookSettings, LoadedSettings, Origin, SecretReference, Settings } from './settings.ts';

/** Completes checked values with defaults, absolute paths, and the origin of each. */
export function completed(values: Partial<Settings>, draft: Draft, cwd: string | null): LoadedSettings {
  const settings = withAbsolutePaths({ ...DEFAULTS, ...values }, draft, cwd);
  return { settings, origins: originsOf(settings, draft), file: draft.file };
}

function withAbsolutePaths(settings: Settings, draft: Draft, cwd: string | null): Settings {
  const absolute = (path: string, place: Origin) =>
    absolutePath(place.kind === 'file' ? dirname(place.path) : cwd, path);
  return {
    ...settings,
    ...databasesWithAbsolutePaths(settings, draft, absolute),
    // A folder that nobody asks for needs no absolute path: the default is relative.
    queriesFolder:
      cwd === null && draft.values['queriesFolder'] === undefined
        ? settings.queriesFolder
        : absolute(settings.queriesFolder, originOf(draft, ['queriesFolder'])),
    sources: settings.sources.map(({ apiKey, ...source }, index) => ({
      ...source,
      apiKey: inAbsolutePlace(apiKey, placeOf(draft, ['sources', index, 'apiKey']), absolute),
    })),
    hooks: settings.hooks.map((hook, index) =>
      hookWithAbsolutePaths(hook, placeOf(draft, ['hooks', index]), absolute),
    ),
  };
}

type Absolute = (path: string, place: Origin) => string;
type Databases = Pick<Settings, 'database' | 'databasePassword' | 'queryDatabase' | 'queryDatabasePassword'>;

function databasesWithAbsolutePaths(settings: Databases, draft: Draft, absolute: Absolute): Databases {
  const { database, queryDatabase, databasePassword, queryDatabasePassword } = settings;
  const url = (name: string, text: string): string =>
    withSslRootCert(text, (path) => absolute(path, originOf(draft, [name])));
  const secret = (name: string, reference: SecretReference | null): SecretReference | null =>
    reference && inAbsolutePlace(reference, placeOf(draft, [name]), absolute);
  return {
    database: isPostgresUrl(database)
      ? url('database', database)
      : absolute(database, originOf(draft, ['database'])),
    databasePassword: secret('databasePassword', databasePassword),
    queryDatabase: queryDatabase && url('queryDatabase', queryDatabase),
    queryDatabasePassword: secret('queryDatabasePassword', queryDatabasePassword),
  };
}

/** A program without a slash is looked for in PATH. */
function hookWithAbsolutePaths(
  { secret, command, ...hook }: HookSettings,
  place: Origin,
  absolute: Absolute,
): HookSettings {
  const [program = '', ...words] = command ?? [];
  return {
    ...hook,
    secret: secret && inAbsolutePlace(secret, place, absolute),
    command: command && [program.includes('/') ? absolute(program, place) : program, ...words],
  };
}

function inAbsolutePlace(reference: SecretReference, place: Origin, absolute: Absolute): SecretReference {
  return 'file' in reference ? { file: absolute(reference.file, place) } : reference;
}

function originsOf(settings: Settings, draft: Draft): Map<string, Origin> {
  const paths = leafPaths(settings, []).flatMap((path): Path[] => {
    const [list] = path;
    if (list !== 'sources' && list !== 'hooks') return [path];
    const entries = settings[list].flatMap((entry, index) =>
      Object.keys(entry).map((name): Path => [list, index, name]),
    );
    return entries.length === 0 ? [path] : entries;
  });
  return new Map(paths.map((path) => [pathText(path), originOf(draft, path)]));
}

/** Where a secret is kept is one value. */
function isSecret(name: string): boolean {
  return name === 'databasePassword' || name === 'queryDatabasePassword';
}

/** Returns the paths of all values that are not sections. */
function leafPaths(section: object, parents: Path): Path[] {
  return Object.entries(section).flatMap(([name, value]) =>
    isRecord(value) && !isSecret(name) ? leafPaths(value, [...parents, name]) : [[...parents, name]],
  );
}
