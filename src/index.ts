/**
 * taskmirror as a library: what the commands use, without the process around it. Nothing here reads the environment,
 * touches signals or the umask, or prints.
 *
 *     const mirror = await openMirror('./taskmirror.db');
 *     const { report, failure } = await syncTasks(mirror, { apiKey: 'sigmic_...' });
 *     const [status] = await mirror.status();
 *     await mirror.close();
 */
import { checkBaseUrl } from './model/base-url.ts';
import { createHttpSource } from './source/http/client.ts';
import { systemClock } from './platform/clock.ts';
import type { Log } from './model/log.ts';
import type { MirrorStore } from './store/store.ts';
import { openMirrorStore } from './store/sqlite/store.ts';
import type { Progress } from './sync/run.ts';
import { syncSource, type SyncResult } from './sync/sync.ts';
import type { OmittableField } from './model/task.ts';
import { VERSION } from './model/version.ts';

export {
  ApiFailedError,
  DatabaseError,
  type ErrorCode,
  type ErrorFacts,
  InterruptedError,
  KeyRefusedError,
  LeaseHeldError,
  OutputError,
  PageFailedError,
  SafetyStopError,
  TaskmirrorError,
  UsageError,
} from './model/errors.ts';
export type { Log } from './model/log.ts';
export type { MirrorReader, MirrorStore, RunSummary, SourceStatus } from './store/store.ts';
export type { TaskSource } from './source/source.ts';
export { openMirrorReader } from './store/sqlite/reader.ts';
export { openForQuery, type ReadOnlyMirror } from './store/sqlite/readonly.ts';
export type { Progress } from './sync/run.ts';
export type { SyncReport } from './sync/report.ts';
export type { SyncResult } from './sync/sync.ts';
export type { OmittableField, Task } from './model/task.ts';

export interface OpenMirrorOptions {
  /** Make the file where there is none; true unless given. */
  create?: boolean;
  /** Fields that must never reach the disk; give `syncTasks` the same. */
  omitFields?: readonly OmittableField[];
  /** Keep a full text index of the tasks, built after the first backfill; true unless given. */
  searchIndex?: boolean;
}

/**
 * Opens a mirror for writing, and brings its schema up to date. Throws DatabaseError, having written nothing, and
 * UsageError where Node is too old.
 */
export async function openMirror(file: string, options: OpenMirrorOptions = {}): Promise<MirrorStore> {
  const { create = true, omitFields = [], searchIndex = true } = options;
  return openMirrorStore(file, { create, clock: systemClock, omit: new Set(omitFields), searchIndex });
}

export interface SyncTasksOptions {
  apiKey: string;
  /** What the source is called in the mirror; `default` unless given. */
  source?: string;
  /** https://api.sigmic.ai unless given. */
  baseUrl?: string;
  /** Walk the whole list, find every edit, and remove what is proven to be gone. */
  full?: boolean;
  /** With `full`: skip the removal safety limit. */
  allowRemovals?: boolean;
  /** Read and plan as ever, but write nothing. */
  dryRun?: boolean;
  /** Stops the run at the next page; what was committed stays. */
  signal?: AbortSignal;
  /** A pino logger fits. Silent unless given. */
  log?: Log;
  onProgress?: (progress: Progress) => void;
  omitFields?: readonly OmittableField[];
  /** These are as in the settings file, with the same defaults (docs/configuration.md). */
  pageSize?: number;
  concurrency?: number;
  overlapSeconds?: number;
  requestTimeoutSeconds?: number;
  retrySeconds?: number;
  maxRequestsPerSecond?: number | null;
  retention?: { changesDays?: number | null; removedDays?: number | null };
}

/**
 * One run of one source, as `taskmirror sync` does it. Does not throw for what a run may run into: `failure` says it,
 * by its class and its code. Throws UsageError for a base URL that cannot be used.
 */
export async function syncTasks(mirror: MirrorStore, options: SyncTasksOptions): Promise<SyncResult> {
  const { source = 'default', log = SILENT, onProgress, retention = {} } = options;
  const baseUrl = checkBaseUrl(options.baseUrl ?? 'https://api.sigmic.ai');
  return syncSource(
    { name: source, baseUrl },
    {
      store: mirror,
      clock: systemClock,
      logFor: () => log,
      connect: () =>
        createHttpSource({
          name: source,
          baseUrl,
          key: { value: options.apiKey, origin: 'the option apiKey' },
          clock: systemClock,
          log,
          requestTimeoutMs: Math.round((options.requestTimeoutSeconds ?? 30) * 1_000),
          retryMs: Math.round((options.retrySeconds ?? 120) * 1_000),
          maxRequestsPerSecond: options.maxRequestsPerSecond ?? null,
          omit: new Set(options.omitFields),
          userAgent: `taskmirror/${VERSION}`,
        }),
    },
    {
      pageSize: options.pageSize ?? 100,
      concurrency: options.concurrency ?? 4,
      overlapMs: (options.overlapSeconds ?? 300) * 1_000,
      full: options.full,
      allowRemovals: options.allowRemovals,
      dryRun: options.dryRun,
      retention: { changesMs: daysInMs(retention.changesDays), removedMs: daysInMs(retention.removedDays) },
      signal: options.signal ?? new AbortController().signal,
      ...(onProgress === undefined ? {} : { onProgress }),
    },
  );
}

const daysInMs = (days: number | null = null): number | null => (days === null ? null : days * 86_400_000);

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
