import type { CommandContext } from './context.ts';
import type { Io } from '../platform/terminal.ts';
import type { Queryable } from '../store/queryable.ts';
import type { Reportable } from '../store/reportable.ts';
import type { DemoApi } from './commands/demo.ts';
import type { FileCheck } from './commands/doctor/machine.ts';
import type { Check } from './commands/doctor/doctor.ts';
import type { CopyPlace } from './copy-place.ts';
import { existsSync } from 'node:fs';
import { systemClock } from '../platform/clock.ts';
import { usesColor } from '../render/text.ts';
import type { ResolvedKey } from '../config/key.ts';
import type { LoadedSettings, Settings, SourceSettings } from '../config/settings.ts';
import { hintOf } from './hints.ts';
import { createLogger } from '../platform/log.ts';
import type { Log } from '../model/log.ts';
import type { CopyOrigin, CopyTarget } from '../store/copyable.ts';
import type { MirrorReader, MirrorStore, SourceStatus } from '../store/store.ts';
import type { TaskSource } from '../source/source.ts';
import type { Redactor } from '../platform/redact.ts';
import { VERSION } from '../model/version.ts';

export interface AppDeps {
  io: Io;
  loaded: LoadedSettings;
  signal: AbortSignal;
  redactor: Redactor;
  /** The log level if the settings keep the default: the output of a one-shot command is enough. */
  defaultLevel: Settings['log']['level'];
}

/** Wires the program. Adapters are loaded on demand: most commands need few of them. */
export function createApp({ io, loaded, signal, redactor, defaultLevel }: AppDeps): CommandContext {
  const { settings } = loaded;
  const isTTY = io.stderr.isTTY === true;
  const level = loaded.origins.get('log.level')?.kind === 'default' ? defaultLevel : settings.log.level;
  const log = createLogger({
    ...settings.log,
    level,
    stderr: io.stderr,
    redactor,
    isTTY,
    color: usesColor({ stdout: io.stderr, env: io.env }),
    hintOf,
  });
  const warned = new Set<string>();

  return {
    io,
    settings,
    clock: systemClock,
    log,
    signal,
    runLog: (fields) => log.child(fields),
    openMirror: (options) => openMirror(settings, options),
    openToLook: () => openToLook(settings),
    openReader: () => openReader(settings.database),
    openForQuery: () => openForQuery(settings.database),
    openForReports: () => openForReports(settings.database),
    keyOf,
    connect,
  };

  async function keyOf(source: SourceSettings, runLog: Log = log): Promise<ResolvedKey> {
    const { resolveKey } = await import('../config/key.ts');
    const key = await resolveKey(source, { env: io.env, cwd: io.cwd, signal });
    redactor.add(key.value);
    for (const warning of key.warnings.filter((text) => !warned.has(text))) {
      warned.add(warning);
      runLog.warn({ source: source.name }, warning);
    }
    return key;
  }

  async function connect(
    source: SourceSettings,
    runLog: Log = log,
    given?: ResolvedKey,
  ): Promise<TaskSource> {
    const { createHttpSource } = await import('../source/http/client.ts');
    // The key is read again for each run: a running daemon picks up a key rotated in its file or command.
    const key = given ?? (await keyOf(source, runLog));
    const { requestTimeoutSeconds, retrySeconds, maxRequestsPerSecond } = settings.sync;
    return createHttpSource({
      name: source.name,
      baseUrl: source.baseUrl,
      key,
      clock: systemClock,
      log: runLog,
      requestTimeoutMs: Math.round(requestTimeoutSeconds * 1_000),
      retryMs: Math.round(retrySeconds * 1_000),
      maxRequestsPerSecond,
      omit: new Set(settings.omitFields),
      userAgent: `taskmirror/${VERSION}`,
    });
  }
}

async function openMirror(settings: Settings, { create }: { create: boolean }): Promise<MirrorStore> {
  const { openMirrorStore } = await import('../store/sqlite/store.ts');
  return openMirrorStore(settings.database, {
    create,
    clock: systemClock,
    omit: new Set(settings.omitFields),
    searchIndex: settings.searchIndex,
  });
}

async function openToLook(settings: Settings): Promise<MirrorStore> {
  if (existsSync(settings.database)) return openMirror(settings, { create: false });
  const { IN_MEMORY } = await import('../store/sqlite/open.ts');
  return openMirror({ ...settings, database: IN_MEMORY }, { create: true });
}

async function openReader(file: string): Promise<MirrorReader> {
  const { openMirrorReader } = await import('../store/sqlite/reader.ts');
  return openMirrorReader(file);
}

async function openForQuery(file: string): Promise<Queryable> {
  const { openQueryable } = await import('../store/sqlite/queryable.ts');
  return openQueryable(file);
}

async function openForReports(file: string): Promise<Reportable> {
  const { openReportable } = await import('../store/sqlite/reports/reportable.ts');
  return openReportable(file);
}

/** Returns all checks of `doctor`. */
export async function doctorChecks(context: CommandContext): Promise<Check[]> {
  const { databaseChecks, versionChecks } = await import('./commands/doctor/machine.ts');
  const { sourceChecks } = await import('./commands/doctor/source.ts');
  const { mirrorChecks } = await import('./commands/doctor/mirror.ts');
  const inspector = await import('../store/sqlite/inspect.ts');
  return [
    ...versionChecks({ node: process.versions.node, taskmirror: VERSION }, inspector),
    ...sourceChecks(context),
    ...databaseChecks(context.settings.database, inspector),
    ...mirrorChecks(context),
  ];
}

/** Checks a mirror's file. Throws DatabaseError if it is not a mirror. */
export async function checkDatabaseFile(file: string): Promise<FileCheck> {
  const { integrityCheck } = await import('../store/sqlite/inspect.ts');
  return integrityCheck(file);
}

/**
 * Copies the current mirror into `target`, an empty file, and reads the copy's status. Throws DatabaseError.
 */
export async function copyMirror(file: string, target: string): Promise<SourceStatus[]> {
  const { copyMirror: copy } = await import('../store/sqlite/snapshot.ts');
  copy(file, target);
  const reader = await openReader(target);
  try {
    return await reader.status();
  } finally {
    await reader.close();
  }
}

/** Opens a mirror to copy. Throws DatabaseError. */
export async function openCopyOrigin(place: CopyPlace): Promise<CopyOrigin> {
  if (place.kind === 'file') {
    const { openCopyOrigin: open } = await import('../store/sqlite/copy-origin.ts');
    return open(place.file);
  }
  const { openCopyOrigin: open } = await import('../store/postgres/copy-origin.ts');
  return open(place.target);
}

/** Begins or continues the copy of the mirror that is called `origin`. Throws UsageError and DatabaseError. */
export async function openCopyTarget(place: CopyPlace, origin: string): Promise<CopyTarget> {
  if (place.kind === 'file') {
    const { openCopyTarget: open } = await import('../store/sqlite/copy-target.ts');
    return open(place.file, origin);
  }
  const { openCopyTarget: open } = await import('../store/postgres/copy-target.ts');
  return open(place.target, origin, { clock: systemClock });
}

/** Starts a simulated API in its own process: its list changes while it is read, and some requests fail. */
export async function startDemoApi(options: {
  count: number;
  key: string;
  signal: AbortSignal;
}): Promise<DemoApi> {
  const { startDemoApi: start } = await import('../source/simulated/child.ts');
  return start({
    ...options,
    clock: systemClock,
    seed: Date.now() % 1_000_000,
    activityPerRequest: 3,
    faults: true,
  });
}
