import { checkBaseUrl } from '../model/base-url.ts';
import type { Log } from '../model/log.ts';
import {
  DAYS_BOUNDS,
  DEFAULT_BASE_URL,
  DEFAULT_SOURCE_NAME,
  MAX_REQUESTS_PER_SECOND,
  MAX_SOURCE_NAME,
  NUMBER_BOUNDS,
  RETENTION_DEFAULTS,
  type RetentionSettings,
  SEARCH_INDEX_DEFAULT,
  SOURCE_NAME,
  SOURCE_NAME_RULE,
  SYNC_DEFAULTS,
  type SyncSettings,
  WHOLE_BOUNDS,
} from '../model/sync-settings.ts';
import { OMITTABLE, type OmittableField } from '../model/task.ts';
import type { Progress } from '../sync/run.ts';
import { assertOptions, type Kind, KINDS, wrong } from './checks.ts';

/** The same properties, each optional. */
type Optional<T> = { [Name in keyof T]?: T[Name] | undefined };

/** Options for opening a mirror. */
export interface OpenMirrorOptions {
  /** Create the file if there is none; true by default. If false, a missing file is a DatabaseError. */
  create?: boolean | undefined;
  /** Fields that must never reach the disk: stored as null. The next run clears values stored before. */
  omitFields?: readonly OmittableField[] | undefined;
  /**
   * Keep a full text index of the tasks, built after the first backfill; true by default. False: the next run
   * drops it.
   */
  searchIndex?: boolean | undefined;
  /** The schema that holds the mirror in a PostgreSQL database; `taskmirror` by default. */
  schema?: string | undefined;
  /**
   * Gets the password for a PostgreSQL database, each time that the server asks for one; by default the one in
   * the URL. It is never stored or logged.
   */
  password?: (() => string | Promise<string>) | undefined;
  /** PEM text of the certificate authority that signed the PostgreSQL server's certificate. */
  ca?: string | undefined;
}

/** Options for reading a mirror. */
export type ReadMirrorOptions = Pick<OpenMirrorOptions, 'schema' | 'password' | 'ca'>;

/**
 * Options for one sync of one source. The settings of `SyncSettings` have the defaults of the settings file.
 */
export interface SyncOptions extends Optional<SyncSettings> {
  /** The key of the Tasks API. It is sent to `baseUrl` only, and never stored or logged. */
  apiKey: string;
  /** The base URL of the API: https, or http to a loopback host. Default: https://api.sigmic.ai. */
  baseUrl?: string | undefined;
  /** The name of the source in the mirror; `default` by default. One name belongs to one list. */
  source?: string | undefined;
  /** Walk the whole list, find every edit, and remove what is proven to be gone. */
  full?: boolean | undefined;
  /** With `full`: skip the removal safety limit. */
  allowRemovals?: boolean | undefined;
  /** Read and plan as usual, but write nothing: the report has a `plan`. */
  dryRun?: boolean | undefined;
  /** The data that the run deletes at its end; none by default. */
  retention?: Optional<RetentionSettings> | undefined;
  /** Stops the run at the next safe point: `sync` throws InterruptedError, and committed data stays. */
  signal?: AbortSignal | undefined;
  /** The log of the run; none by default. Each line has the source and the run's id. pino and console fit. */
  log?: Log | undefined;
  /** Called after each step of the run. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** Checked options, with the defaults. */
export interface CheckedOpenOptions {
  create: boolean;
  omit: ReadonlySet<OmittableField>;
  searchIndex: boolean;
}

const SERVER_OPTIONS: Record<keyof ReadMirrorOptions, Kind> = {
  schema: KINDS.text,
  password: KINDS.callback,
  ca: KINDS.text,
};

const OPEN_OPTIONS: Record<keyof OpenMirrorOptions, Kind> = {
  create: KINDS.flag,
  omitFields: KINDS.list,
  searchIndex: KINDS.flag,
  ...SERVER_OPTIONS,
};

/**
 * Checks options and adds defaults. Throws UsageError for a field that cannot be omitted, and for an unknown
 * option: a typing error would store what must not be stored.
 */
export function checkOpenOptions(options: OpenMirrorOptions): CheckedOpenOptions {
  assertOptions(options, OPEN_OPTIONS);
  const { create = true, omitFields = [], searchIndex = SEARCH_INDEX_DEFAULT } = options;
  const unknown = omitFields.filter((field) => !OMITTABLE.includes(field));
  if (unknown.length > 0) throw wrong('omitFields', shown(unknown), `some of ${OMITTABLE.join(', ')}`);
  return { create, omit: new Set(omitFields), searchIndex };
}

/** Throws UsageError for options that a reader does not have. */
export function checkReadOptions(options: ReadMirrorOptions): void {
  assertOptions(options, SERVER_OPTIONS);
}

/** Checked options, with the defaults. */
export interface CheckedSyncOptions {
  apiKey: string;
  identity: { name: string; baseUrl: string };
  settings: SyncSettings;
  retention: RetentionSettings;
}

type AnyOf<T> = Record<keyof T, typeof KINDS.any>;
const anyOf = <T extends object>(defaults: T): AnyOf<T> =>
  Object.fromEntries(Object.keys(defaults).map((name) => [name, KINDS.any])) as AnyOf<T>;

const SYNC_OPTIONS: Record<keyof SyncOptions, Kind> = {
  apiKey: KINDS.text,
  baseUrl: KINDS.text,
  source: KINDS.text,
  full: KINDS.flag,
  allowRemovals: KINDS.flag,
  dryRun: KINDS.flag,
  retention: KINDS.object,
  signal: KINDS.signal,
  log: KINDS.log,
  onProgress: KINDS.callback,
  ...anyOf(SYNC_DEFAULTS),
};

/**
 * Checks options and adds defaults. Throws UsageError for an unknown option, for one that is out of bounds,
 * and for an invalid base URL.
 */
export function checkSyncOptions(options: SyncOptions): CheckedSyncOptions {
  assertOptions(options, SYNC_OPTIONS);
  const { apiKey, source: name = DEFAULT_SOURCE_NAME, baseUrl = DEFAULT_BASE_URL } = options;
  if (typeof apiKey !== 'string') throw wrong('apiKey', 'undefined', 'a text');
  if (name.length > MAX_SOURCE_NAME || !SOURCE_NAME.test(name)) {
    throw wrong('source', shown(name), SOURCE_NAME_RULE);
  }
  if (options.allowRemovals === true && options.full !== true) {
    throw wrong('allowRemovals', 'true', 'it only with full: no other run removes anything');
  }
  assertOptions(options.retention ?? {}, anyOf(RETENTION_DEFAULTS), 'retention');
  const settings = withDefaults(SYNC_DEFAULTS, options);
  const retention = withDefaults(RETENTION_DEFAULTS, options.retention ?? {});
  checkSettings(settings);
  checkRetention(retention);
  return { apiKey, identity: { name, baseUrl: checkBaseUrl(baseUrl) }, settings, retention };
}

/** Returns `defaults`, replaced by the values given. */
function withDefaults<T extends object>(defaults: Readonly<T>, given: Optional<T>): T {
  const names = Object.keys(defaults) as (keyof T)[];
  const chosen = names.map((name) => [name, given[name] === undefined ? defaults[name] : given[name]]);
  return Object.fromEntries(chosen) as T;
}

function checkSettings(settings: SyncSettings): void {
  for (const [name, bounds] of entries(WHOLE_BOUNDS)) {
    if (Number.isInteger(settings[name]) && isWithin(settings[name], bounds)) continue;
    throw wrong(name, shown(settings[name]), `a whole number from ${bounds.min} to ${bounds.max}`);
  }
  for (const [name, bounds] of entries(NUMBER_BOUNDS)) {
    if (isWithin(settings[name], bounds)) continue;
    throw wrong(name, shown(settings[name]), `a number from ${bounds.min} to ${bounds.max}`);
  }
  const rate = settings.maxRequestsPerSecond;
  if (rate === null || (rate > 0 && rate <= MAX_REQUESTS_PER_SECOND)) return;
  throw wrong(
    'maxRequestsPerSecond',
    shown(rate),
    `null or a number above 0, at most ${MAX_REQUESTS_PER_SECOND}`,
  );
}

function checkRetention(retention: RetentionSettings): void {
  for (const [name, days] of entries(retention)) {
    if (days === null || (Number.isInteger(days) && isWithin(days, DAYS_BOUNDS))) continue;
    const { min, max } = DAYS_BOUNDS;
    throw wrong(`retention.${name}`, shown(days), `null or a whole number of days from ${min} to ${max}`);
  }
}

const isWithin = (value: unknown, { min, max }: { min: number; max: number }): boolean =>
  typeof value === 'number' && value >= min && value <= max;

const entries = <T extends object>(record: T) => Object.entries(record) as [keyof T & string, T[keyof T]][];

function shown(value: unknown): string {
  // JSON has no NaN, and JSON.stringify throws for a bigint.
  return ['number', 'bigint'].includes(typeof value) ? String(value) : JSON.stringify(value);
}
