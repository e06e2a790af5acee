import { RETENTION_DEFAULTS, SEARCH_INDEX_DEFAULT, SYNC_DEFAULTS } from '../model/sync-settings.ts';
import type { Settings } from './settings.ts';

/** Default settings. Paths are relative to the working directory. */
export const DEFAULTS: Settings = {
  database: './taskmirror.db',
  schema: 'taskmirror',
  databasePassword: null,
  queryDatabase: null,
  queryDatabasePassword: null,
  schedule: '*/5 * * * *',
  fullSchedule: '17 3 * * *',
  timezone: 'UTC',
  sources: [],
  hooks: [],
  sync: SYNC_DEFAULTS,
  queriesFolder: './queries',
  omitFields: [],
  searchIndex: SEARCH_INDEX_DEFAULT,
  retention: RETENTION_DEFAULTS,
  log: { level: 'info', format: 'auto' },
};
