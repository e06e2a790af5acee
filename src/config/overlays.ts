import { DEFAULT_SOURCE_NAME } from '../model/sync-settings.ts';
import { isRecord, overlay, pathText } from './draft.ts';
import type { Draft } from './draft.ts';
import type { Environment, SettingsFlags } from './settings.ts';

/** The beginning of every variable that is a setting. */
export const PREFIX = 'TASKMIRROR_';

/** Returns whether the environment may hold settings. */
export function hasVariables(env: Environment): boolean {
  return Object.keys(env).some((name) => name.startsWith(PREFIX));
}

/** The source that SIGMIC_API_KEY makes. */
export const DEFAULT_SOURCE = { name: DEFAULT_SOURCE_NAME, apiKey: { env: 'SIGMIC_API_KEY' } } as const;

/**
 * Makes the source `default` from SIGMIC_API_KEY if no source is set, and gives the source of that name its
 * base URL from SIGMIC_BASE_URL if it has none. Other programs read these two as well, so an empty one counts
 * as not set.
 */
export function overlayDefaultSource(draft: Draft, env: Environment): void {
  const { sources = [] } = draft.values;
  if (Array.isArray(sources) && sources.length === 0 && isSet(env[DEFAULT_SOURCE.apiKey.env])) {
    const made = { ...DEFAULT_SOURCE };
    overlay(draft, ['sources'], [made], { kind: 'environment', variable: DEFAULT_SOURCE.apiKey.env });
  }

  const baseUrl = env['SIGMIC_BASE_URL'];
  if (!isSet(baseUrl) || !Array.isArray(draft.values['sources'])) return;
  const list: unknown[] = draft.values['sources'];
  for (const [index, source] of list.entries()) {
    if (!isRecord(source) || source['name'] !== DEFAULT_SOURCE_NAME || source['baseUrl'] !== undefined)
      continue;
    source['baseUrl'] = baseUrl;
    const path = pathText(['sources', index, 'baseUrl']);
    draft.overlaid.set(path, { kind: 'environment', variable: 'SIGMIC_BASE_URL' });
  }
}

/** Returns whether {@link overlayDefaultSource} has made the draft's only source. */
export function isDefaultSourceMade({ overlaid }: Draft): boolean {
  const origin = overlaid.get('sources');
  return origin?.kind === 'environment' && origin.variable === DEFAULT_SOURCE.apiKey.env;
}

/** Lays the settings that were given on the command line over the draft. */
export function overlayFlags(draft: Draft, { db }: SettingsFlags): void {
  if (db !== undefined) overlay(draft, ['database'], db, { kind: 'flag', flag: '--db' });
}

function isSet(text: string | undefined): boolean {
  return text !== undefined && text !== '';
}
