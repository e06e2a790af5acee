import { resolve } from 'node:path';
import { checkBaseUrl } from '../base-url.ts';
import { TaskmirrorError } from '../errors.ts';
import { readBounded } from './bounded-file.ts';
import { completed } from './completed.ts';
import { DEFAULT_BASE_URL } from './defaults.ts';
import type { Draft } from './draft.ts';
import { overlayDefaultSource, overlayFlags } from './overlays.ts';
import { DEFAULT_FILE, MAX_FILE_KILOBYTES, MAX_PATH } from './settings-file.ts';
import type { KeyReference, LoadedSettings, SettingsInput, SourceSettings } from './settings.ts';

/** What {@link loadSettings} gives, but most of it is loaded only where the schema has something to check. Throws as that does. */
export async function readSettings(input: SettingsInput): Promise<LoadedSettings> {
  const plain = plainSettings(input);
  if (plain !== null) return plain;
  const { loadSettings } = await import('./load.ts');
  return loadSettings(input);
}

/**
 * The settings of those who set nothing but a key, a base URL and a database, as most do: they need no schema, which
 * takes as long to load and to build as the database takes to open. Null for all others, and where anything is wrong.
 */
export function plainSettings({ env, cwd, flags }: SettingsInput): LoadedSettings | null {
  const hasSettings = Object.keys(env).some((name) => name.startsWith('TASKMIRROR_'));
  if (hasSettings || flags.config !== undefined) return null;
  if (flags.db === '' || (flags.db ?? '').length > MAX_PATH) return null;
  const file = readBounded(resolve(cwd, DEFAULT_FILE), MAX_FILE_KILOBYTES);
  if (!('failure' in file && file.isMissing)) return null;

  const draft: Draft = { values: {}, overlaid: new Map(), file: null };
  overlayDefaultSource(draft, env);
  overlayFlags(draft, flags);
  const { sources = [], ...values } = draft.values as { sources?: MadeSource[]; database?: string };
  const checked = sources.map(checkedSource);
  if (checked.includes(null)) return null;
  return completed({ ...values, sources: checked.filter((source) => source !== null) }, draft, cwd);
}

/** What overlayDefaultSource makes. */
interface MadeSource {
  name: string;
  baseUrl?: string;
  apiKey: KeyReference;
}

/** Null where its URL is wrong. */
function checkedSource({ name, baseUrl, apiKey }: MadeSource): SourceSettings | null {
  try {
    return { name, baseUrl: checkBaseUrl(baseUrl ?? DEFAULT_BASE_URL), apiKey };
  } catch (error) {
    if (error instanceof TaskmirrorError) return null;
    throw error;
  }
}
