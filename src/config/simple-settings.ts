import { checkBaseUrl } from '../model/base-url.ts';
import { TaskmirrorError } from '../model/errors.ts';
import { DEFAULT_BASE_URL } from '../model/sync-settings.ts';
import { databaseProblem } from './database-url.ts';
import { type Draft, valueAt } from './draft.ts';
import { DEFAULT_SOURCE, isDefaultSourceMade } from './overlays.ts';
import { MAX_PATH } from './settings-file.ts';
import type { Settings, SourceSettings } from './settings.ts';

/**
 * Checks, without the schema, a draft that sets only a key, a base URL and a database, as most do. Returns
 * null for all others, and if anything is wrong.
 */
export function plainSettings(draft: Draft): Partial<Settings> | null {
  const { sources, database, ...more } = draft.values;
  if (Object.keys(more).length > 0) return null;
  if (database !== undefined && !isDatabase(database)) return null;
  const place = database === undefined ? {} : { database };
  if (sources === undefined) return place;
  const source = isDefaultSourceMade(draft) ? withBaseUrl(valueAt(sources, [0, 'baseUrl'])) : null;
  return source === null ? null : { ...place, sources: [source] };
}

function isDatabase(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_PATH) return false;
  return databaseProblem(value) === null;
}

/** Returns null if the URL is wrong. */
function withBaseUrl(baseUrl: unknown = DEFAULT_BASE_URL): SourceSettings | null {
  if (typeof baseUrl !== 'string') return null;
  try {
    const { name, apiKey } = DEFAULT_SOURCE;
    return { name, baseUrl: checkBaseUrl(baseUrl), apiKey };
  } catch (error) {
    if (error instanceof TaskmirrorError) return null;
    throw error;
  }
}
