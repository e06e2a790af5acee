/**
 * How a source is read and what the mirror keeps: the settings that the settings file and the library share, with their
 * defaults and bounds, so that the two cannot differ.
 */

/** How a source is read. */
export interface SyncSettings {
  /** Rows asked for with one list request, 3 to 100. */
  pageSize: number;
  /** Requests under way at once to one source, 1 to 32. */
  concurrency: number;
  /** How far below the watermark every run that finds something new reads again, in whole seconds. */
  overlapSeconds: number;
  /** Bound on one attempt at a request, 1 to 600. */
  requestTimeoutSeconds: number;
  /** Bound on all attempts at one request together; 0: a single attempt. */
  retrySeconds: number;
  /** Requests a second to one source, above 0 and at most 1000; null: no limit of our own. */
  maxRequestsPerSecond: number | null;
}

/** How long the mirror keeps what it need not keep, in whole days; null: forever. */
export interface RetentionSettings {
  /** Days that a line of task_changes is kept; the last change of a task's status always is. */
  changesDays: number | null;
  /** Days that a removed task is kept after its removal, with its part of task_changes. */
  removedDays: number | null;
}

/** The source of somebody who names none. */
export const DEFAULT_SOURCE_NAME = 'default';

/** Where a source is that does not say so. */
export const DEFAULT_BASE_URL = 'https://api.sigmic.ai';

export const SYNC_DEFAULTS: Readonly<SyncSettings> = {
  pageSize: 100,
  concurrency: 4,
  overlapSeconds: 300,
  requestTimeoutSeconds: 30,
  retrySeconds: 120,
  maxRequestsPerSecond: null,
};

export const RETENTION_DEFAULTS: Readonly<RetentionSettings> = { changesDays: null, removedDays: null };

/** Whether the mirror keeps a full text index of message, system prompt and error. */
export const SEARCH_INDEX_DEFAULT = true;

/** What a number may be: from `min` to `max`, both included. */
export interface Bounds {
  min: number;
  max: number;
}

/** Whole numbers. */
export const WHOLE_BOUNDS = {
  pageSize: { min: 3, max: 100 },
  concurrency: { min: 1, max: 32 },
  overlapSeconds: { min: 0, max: 604_800 },
} as const satisfies Partial<Record<keyof SyncSettings, Bounds>>;

/** Numbers of any kind. */
export const NUMBER_BOUNDS = {
  requestTimeoutSeconds: { min: 1, max: 600 },
  retrySeconds: { min: 0, max: 86_400 },
} as const satisfies Partial<Record<keyof SyncSettings, Bounds>>;

/** The rate is null, or above 0 and at most this. */
export const MAX_REQUESTS_PER_SECOND = 1_000;

/** Days of retention are null, or whole numbers within these. */
export const DAYS_BOUNDS: Bounds = { min: 1, max: 36_500 };

/** What a source may be called, and how many characters that has at most. */
export const SOURCE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
export const MAX_SOURCE_NAME = 64;
/** The same in words. */
export const SOURCE_NAME_RULE = `1 to ${MAX_SOURCE_NAME} letters, digits, dots, hyphens or underscores, a letter or digit first`;
