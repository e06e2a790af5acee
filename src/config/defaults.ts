import type { Settings } from './settings.ts';

/** Default settings. Paths are relative to the working directory. */
export const DEFAULTS: Settings = {
  database: './taskmirror.db',
  schedule: '*/5 * * * *',
  fullSchedule: '17 3 * * *',
  timezone: 'UTC',
  sources: [],
  sync: {
    pageSize: 100,
    concurrency: 4,
    overlapSeconds: 300,
    requestTimeoutSeconds: 30,
    retrySeconds: 120,
    maxRequestsPerSecond: null,
  },
  queriesFolder: './queries',
  omitFields: [],
  searchIndex: true,
  retention: { changesDays: null, removedDays: null },
  log: { level: 'info', format: 'auto' },
};

/** The base URL of a source that does not set one. */
export const DEFAULT_BASE_URL = 'https://api.sigmic.ai';
