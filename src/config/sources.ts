import { UsageError } from '../model/errors.ts';
import { DEFAULT_FILE } from './settings-file.ts';
import type { Settings, SourceSettings } from './settings.ts';

/**
 * Returns the sources for a command that needs one. Throws UsageError with a way to set one if none is set.
 */
export function requireSources(settings: Pick<Settings, 'sources'>): SourceSettings[] {
  if (settings.sources.length > 0) return settings.sources;
  throw new UsageError('No source is set: there is nothing to mirror.', {
    hint: `Set the environment variable SIGMIC_API_KEY to an API key, or name sources in ${DEFAULT_FILE} (see config.example.json).`,
  });
}
