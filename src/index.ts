/**
 * taskmirror as a library (docs/library.md): the code that the commands use, without the process around it.
 * Nothing here reads the environment, touches signals or the umask, or prints; nothing is opened before it is
 * asked for.
 */
import type { Mirror, ReadOnlyMirror } from './library/mirror.ts';
import {
  checkOpenOptions,
  checkReadOptions,
  type CheckedSyncOptions,
  type OpenMirrorOptions,
  type ReadMirrorOptions,
} from './library/options.ts';
import { type Place, placeOf } from './library/place.ts';
import type { Clock } from './model/clock.ts';
import type { Log } from './model/log.ts';
import type { OmittableField } from './model/task.ts';
import { VERSION } from './model/version.ts';
import { systemClock } from './platform/clock.ts';
import type { TaskSource } from './source/source.ts';
import type { Feed } from './store/feed.ts';
import type { Queryable } from './store/queryable.ts';
import type { MirrorReader, MirrorStore } from './store/store.ts';

export {
  ApiFailedError,
  DatabaseError,
  type ErrorCode,
  type ErrorFacts,
  InterruptedError,
  KeyRefusedError,
  LeaseHeldError,
  SafetyStopError,
  TaskmirrorError,
  UsageError,
} from './model/errors.ts';
export type { ChangesOptions, TaskChange } from './library/changes.ts';
export type { Mirror, ReadOnlyMirror } from './library/mirror.ts';
export type { OpenMirrorOptions, ReadMirrorOptions, SyncOptions } from './library/options.ts';
export type { Query, QueryParameters, Row, SqlValue } from './library/query.ts';
export { reportOf } from './library/reported.ts';
export type { Log } from './model/log.ts';
export type { Outcome, RunKind, Verdict } from './model/run.ts';
export type { RetentionSettings, SyncSettings } from './model/sync-settings.ts';
export type { OmittableField } from './model/task.ts';
export type { ChangeEvent, FieldChange } from './store/feed.ts';
export type { SourceStatus, UpsertCounts } from './store/store.ts';
export type { Plan } from './sync/dry-run.ts';
export type { SyncReport } from './sync/report.ts';
export type { Progress } from './sync/run.ts';

/**
 * Opens a mirror for writing, creates it if there is none, and migrates its schema: in a file, or in the
 * PostgreSQL database of a `postgres://` URL. Close it, or let `await using` do that. Throws DatabaseError,
 * having written nothing, if it is damaged, foreign or newer, or cannot be reached; UsageError for invalid
 * options, and if Node is too old.
 */
export async function openMirror(database: string, options: OpenMirrorOptions = {}): Promise<Mirror> {
  const { create, omit, searchIndex } = checkOpenOptions(options);
  const { schema, password, ca } = options;
  const place = placeOf(database, { schema, password, ca });
  const { OpenMirror } = await import('./library/mirror.ts');
  return new OpenMirror({
    store: await openStore(place, { create, omit, searchIndex, clock: systemClock }),
    clock: systemClock,
    openForQuery: () => openForQuery(place),
    openFeed: () => openFeed(place),
    connect: (sync, log) => connect(sync, { log, omit }),
  });
}

/**
 * Opens a mirror that another process keeps current, for reading only: creates, migrates and writes nothing.
 * Throws DatabaseError if it is missing, is not a mirror, or has another schema than this version's.
 */
export async function openMirrorReadOnly(
  database: string,
  options: ReadMirrorOptions = {},
): Promise<ReadOnlyMirror> {
  checkReadOptions(options);
  const place = placeOf(database, options);
  const { OpenReader } = await import('./library/mirror.ts');
  return new OpenReader(await openReader(place), {
    openForQuery: () => openForQuery(place),
    openFeed: () => openFeed(place),
  });
}

interface StoreOptions {
  create: boolean;
  omit: ReadonlySet<OmittableField>;
  searchIndex: boolean;
  clock: Clock;
}

async function openStore(place: Place, options: StoreOptions): Promise<MirrorStore> {
  if ('file' in place) {
    const { openMirrorStore } = await import('./store/sqlite/store.ts');
    return openMirrorStore(place.file, options);
  }
  const { openPostgresStore } = await import('./store/postgres/store.ts');
  return openPostgresStore(place.target, options);
}

async function openReader(place: Place): Promise<MirrorReader> {
  if ('file' in place) {
    const { openMirrorReader } = await import('./store/sqlite/reader.ts');
    return openMirrorReader(place.file);
  }
  const { openPostgresReader } = await import('./store/postgres/store.ts');
  return openPostgresReader(place.target);
}

async function openForQuery(place: Place): Promise<Queryable> {
  if ('file' in place) {
    const { openQueryable } = await import('./store/sqlite/queryable.ts');
    return openQueryable(place.file);
  }
  const { openQueryable } = await import('./store/postgres/queryable.ts');
  return openQueryable(place.target);
}

async function openFeed(place: Place): Promise<Feed> {
  if ('file' in place) {
    const { openFeed: open } = await import('./store/sqlite/feed.ts');
    return open(place.file, systemClock);
  }
  const { openFeed: open } = await import('./store/postgres/feed.ts');
  return open(place.target, systemClock);
}

async function connect(
  { apiKey, identity, settings }: CheckedSyncOptions,
  { log, omit }: { log: Log; omit: ReadonlySet<OmittableField> },
): Promise<TaskSource> {
  const { createHttpSource } = await import('./source/http/client.ts');
  return createHttpSource({
    ...identity,
    key: { value: apiKey, origin: 'the option apiKey' },
    clock: systemClock,
    log,
    requestTimeoutMs: Math.round(settings.requestTimeoutSeconds * 1_000),
    retryMs: Math.round(settings.retrySeconds * 1_000),
    maxRequestsPerSecond: settings.maxRequestsPerSecond,
    omit,
    userAgent: `taskmirror/${VERSION}`,
  });
}
