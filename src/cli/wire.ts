import type { CommandContext } from './context.ts';
import type { Io } from '../platform/terminal.ts';
import type { DemoApi } from './commands/demo/demo.ts';
import type { Check } from './commands/doctor/doctor.ts';
import type { CopyPlace, ServerPlace } from './copy-place.ts';
import { systemClock } from '../platform/clock.ts';
import { usesColor } from '../render/text.ts';
import type { ResolvedKey } from '../config/key.ts';
import type { LoadedSettings, Settings, SourceSettings } from '../config/settings.ts';
import { isPostgresUrl, type PostgresTarget } from '../model/postgres-url.ts';
import type { Hook } from '../feed/delivery.ts';
import type { Engine } from './engines/engine.ts';
import type { PostgresDeps } from './engines/postgres.ts';
import { sqliteEngine } from './engines/sqlite.ts';
import { hintOf } from './hints.ts';
import { createLogger } from '../platform/log.ts';
import type { Log } from '../model/log.ts';
import type { CopyOrigin, CopyTarget } from '../store/copyable.ts';
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
export async function createApp({
  io,
  loaded,
  signal,
  redactor,
  defaultLevel,
}: AppDeps): Promise<CommandContext> {
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
  const engine = await engineOf();

  return {
    io,
    settings,
    clock: systemClock,
    log,
    signal,
    runLog: (fields) => log.child(fields),
    engine,
    ...engine,
    targetAt,
    keyOf,
    connect,
    hooks,
  };

  async function engineOf(): Promise<Engine> {
    if (!isPostgresUrl(settings.database)) return sqliteEngine(settings);
    const { postgresEngine } = await import('./engines/postgres.ts');
    return postgresEngine(settings, postgresDeps());
  }

  function postgresDeps(): PostgresDeps {
    return { io, signal, redactor, warn: (text) => warnOnce(log, text) };
  }

  async function targetAt({ url, schema }: ServerPlace): Promise<PostgresTarget> {
    const { targetFor } = await import('./engines/postgres.ts');
    return targetFor({ ...settings, database: url, schema }, postgresDeps());
  }

  function warnOnce(to: Log, text: string, fields: object = {}): void {
    if (warned.has(text)) return;
    warned.add(text);
    to.warn(fields, text);
  }

  async function hooks(): Promise<Hook[]> {
    const { wireHooks } = await import('./hook-wiring.ts');
    const warn = (text: string): void => warnOnce(log, text);
    return wireHooks(settings.hooks, { io, signal, redactor, clock: systemClock, log, warn });
  }

  async function keyOf(source: SourceSettings, runLog: Log = log): Promise<ResolvedKey> {
    const { resolveKey } = await import('../config/key.ts');
    const key = await resolveKey(source, { env: io.env, cwd: io.cwd, signal });
    redactor.add(key.value);
    for (const warning of key.warnings) warnOnce(runLog, warning, { source: source.name });
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

/** Returns all checks of `doctor`; `sendTests`: hooks get a test event. */
export async function doctorChecks(
  context: CommandContext,
  { sendTests }: { sendTests: boolean },
): Promise<Check[]> {
  const { versionChecks } = await import('./commands/doctor/versions.ts');
  const { sourceChecks } = await import('./commands/doctor/source.ts');
  const { mirrorChecks } = await import('./commands/doctor/mirror.ts');
  return [
    ...versionChecks({ node: process.versions.node, taskmirror: VERSION }),
    ...sourceChecks(context),
    ...(await context.engine.doctorChecks()),
    ...mirrorChecks(context),
    ...(await hookChecks()),
  ];

  async function hookChecks(): Promise<Check[]> {
    if (context.settings.hooks.length === 0) return [];
    const { checksOfHooks } = await import('./commands/doctor/hooks.ts');
    return checksOfHooks(context, { sendTests });
  }
}

/** Opens a mirror to copy. Throws DatabaseError. */
export async function openCopyOrigin(
  place: CopyPlace,
  context: Pick<CommandContext, 'targetAt'>,
): Promise<CopyOrigin> {
  if (place.kind === 'file') {
    const { openCopyOrigin: open } = await import('../store/sqlite/copy-origin.ts');
    return open(place.file);
  }
  const { openCopyOrigin: open } = await import('../store/postgres/copy-origin.ts');
  return open(await context.targetAt(place));
}

/** Begins or continues the copy of the mirror that is called `origin`. Throws UsageError and DatabaseError. */
export async function openCopyTarget(
  place: CopyPlace,
  origin: string,
  context: Pick<CommandContext, 'targetAt'>,
): Promise<CopyTarget> {
  if (place.kind === 'file') {
    const { openCopyTarget: open } = await import('../store/sqlite/copy-target.ts');
    return open(place.file, origin);
  }
  const { openCopyTarget: open } = await import('../store/postgres/copy-target.ts');
  return open(await context.targetAt(place), origin, { clock: systemClock });
}

/**
 * Makes a schema that nobody has used, and returns how to drop it with all that it holds; null if there is one of
 * this name, which is left alone. Throws UsageError and DatabaseError.
 */
export async function makeSchema(
  place: ServerPlace,
  context: Pick<CommandContext, 'targetAt'>,
): Promise<(() => Promise<void>) | null> {
  const { makeSchema: make, dropSchema } = await import('../store/postgres/own-schema.ts');
  const target = await context.targetAt(place);
  return (await make(target)) ? () => dropSchema(target) : null;
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
