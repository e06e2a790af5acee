import { dirname } from 'node:path';
import { DEFAULTS } from './defaults.ts';
import { isRecord, originOf, pathText, placeOf } from './draft.ts';
import type { Draft, Path } from './draft.ts';
import { absolutePath } from '../platform/paths.ts';
import type { LoadedSettings, Origin, Settings } from './settings.ts';

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
    database: absolute(settings.database, originOf(draft, ['database'])),
    // A folder that nobody asks for needs no absolute path: the default is relative.
    queriesFolder:
      cwd === null && draft.values['queriesFolder'] === undefined
        ? settings.queriesFolder
        : absolute(settings.queriesFolder, originOf(draft, ['queriesFolder'])),
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

/** Returns the paths of all values that are not sections. */
function leafPaths(section: object, parents: Path): Path[] {
  return Object.entries(section).flatMap(([name, value]) =>
    isRecord(value) ? leafPaths(value, [...parents, name]) : [[...parents, name]],
  );
}
