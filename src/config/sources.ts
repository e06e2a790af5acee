import { UsageError } from '../model/errors.ts';
import type { Settings, SourceSettings } from './settings.ts';

/** The sources of a command that needs at least one. Throws UsageError where there is none. */
export function requireSources(settings: Pick<Settings, 'sources'>): SourceSettings[] {
  if (settings.sources.length > 0) return settings.sources;
  throw new UsageError('no_source', {}, 'No source is set: there is nothing to mirror.');
}
