/**
 * taskmirror as a library (docs/library.md): the code that the commands use, without the process around it.
 * Nothing here reads the environment, touches signals or the umask, or prints; nothing is opened before it is
 * asked for.
 */
import { resolve } from 'node:path';
import { assertFits, KINDS } from './library/checks.ts';
import type { Mirror, ReadOnlyMirror } from './library/mirror.ts';
import { checkOpenOptions, type CheckedSyncOptions, type OpenMirrorOptions } from './library/options.ts';
import { UsageError } from './model/errors.ts';
import type { Log } from './model/log.ts';
import type { OmittableField } from './model/task.ts';
import { VERSION } from './model/version.ts';
import { systemClock } from './platform/clock.ts';
import { assertPath } from './platform/paths.ts';
import type { TaskSource } from './source/source.ts';
import type { Queryable } from './store/queryable.ts';

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
export type { Mirror, ReadOnlyMirror } from './library/mirror.ts';
export type { OpenMirrorOptions, SyncOptions } from './library/options.ts';
export type { Query, QueryParameters, Row, SqlValue } from './library/query.ts';
export { reportOf } from './library/reported.ts';
export type { Log } from './model/log.ts';
export type { Outcome, RunKind, Verdict } from './model/run.ts';
export type { RetentionSettings, SyncSettings } from './model/sync-settings.ts';
export type { OmittableField } from './model/task.ts';
export type { SourceStatus, UpsertCounts } from './store/store.ts';
export type { Plan } from './sync/dry-run.ts';
export type { SyncReport } from './sync/report.ts';
export type { Progress } from './sync/run.ts';

/**
 * Opens a mirror for writing, creates it if there is none, and migrates its schema. Close it, or let `await
 * using` do that. Throws DatabaseError, having written nothing, if the file is damaged, foreign or newer;
 * UsageError for invalid options, and if Node is too old.
 */
export async function openMirror(file: string, options: OpenMirrorOptions = {}): Promise<Mirror> {
  const { create, omit, searchIndex } = checkOpenOptions(options);
  const path = pathOf(file);
  const { OpenMirror } = await import('./library/mirror.ts');
  const { openMirrorStore } = await import('./store/sqlite/store.ts');
  return new OpenMirror({
    store: await openMirrorStore(path, { create, omit, searchIndex, clock: systemClock }),
    clock: systemClock,
    openForQuery: () => openForQuery(path),
    connect: (sync, log) => connect(sync, { log, omit }),
  });
}

/**
 * Opens a mirror that another process keeps current, for reading only: creates, migrates and writes nothing.
 * Throws DatabaseError if the file is missing, is not a mirror, or has another schema than this version's.
 */
export async function openMirrorReadOnly(file: string): Promise<ReadOnlyMirror> {
  const path = pathOf(file);
  const { OpenReader } = await import('./library/mirror.ts');
  const { openMirrorReader } = await import('./store/sqlite/reader.ts');
  return new OpenReader(await openMirrorReader(path), () => openForQuery(path));
}

/**
 * Makes the path absolute: a mirror opens its file again for queries, and the working directory may change.
 * Throws UsageError for a name that no file can be meant by.
 */
function pathOf(file: string): string {
  assertFits('file', file, KINDS.path);
  assertPath('the file', file);
  if (file !== ':memory:') return resolve(file);
  throw new UsageError(
    'mirror_in_memory',
    {},
    'a mirror cannot be in memory, since its queries open the file: name one in a temporary folder',
  );
}

async function openForQuery(path: string): Promise<Queryable> {
  const { openQueryable } = await import('./store/sqlite/queryable.ts');
  return openQueryable(path);
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
