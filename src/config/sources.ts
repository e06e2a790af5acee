import { UsageError } from '../model/errors.ts';
import type { Settings, SourceSettings } from './settings.ts';

/**
 * Returns the sources for a command that needs one. Throws UsageError with a way to set one if none is set.
 */
export function requireSources(settings: Pick<Settings, 'sources'>): SourceSettings[] {
  if (settings.sources.length > 0) return settings.sources;
  throw new UsageError('no_source', {}, 'No source is set: there is nothing to mirror.');
}
