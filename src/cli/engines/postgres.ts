import { resolveTarget } from '../../config/postgres.ts';
import type { Settings } from '../../config/settings.ts';
import { hasCode } from '../../model/errors.ts';
import { systemClock } from '../../platform/clock.ts';
import type { Redactor } from '../../platform/redact.ts';
import type { Io } from '../../platform/terminal.ts';
import type { PostgresTarget } from '../../model/postgres-url.ts';
import type { MirrorStore } from '../../store/store.ts';
import { CURES } from '../database-hints.ts';
import type { Engine } from './engine.ts';

export interface PostgresDeps {
  io: Pick<Io, 'env' | 'cwd'>;
  signal: AbortSignal;
  redactor: Pick<Redactor, 'add'>;
  /** Takes warnings for a person. */
  warn: (text: string) => void;
}

/** Returns the database of the settings; `toQuery`: for a role that only reads. Throws UsageError. */
export function targetFor(
  settings: Settings,
  { io, signal, redactor, warn }: PostgresDeps,
  options: { toQuery?: boolean } = {},
): Promise<PostgresTarget> {
  return resolveTarget(settings, { env: io.env, cwd: io.cwd, signal, redactor, warn }, options);
}

/** Wires a mirror in a PostgreSQL database. */
export function postgresEngine(settings: Settings, deps: PostgresDeps): Engine {
  const target = (options: { toQuery?: boolean } = {}): Promise<PostgresTarget> =>
    targetFor(settings, deps, options);
  const storeOptions = () => ({
    clock: systemClock,
    omit: new Set(settings.omitFields),
    searchIndex: settings.searchIndex,
  });
  const openHooks: Engine['openHooks'] = async () => {
    const { openPostgresHooks } = await import('../../store/postgres/hooks.ts');
    return openPostgresHooks(await target(), { clock: systemClock });
  };
  return {
    file: null,
    async openMirror({ create }) {
      const { openPostgresStore } = await import('../../store/postgres/store.ts');
      return openPostgresStore(await target(), { ...storeOptions(), create });
    },
    async openToLook() {
      const { openPostgresToLook } = await import('../../store/postgres/store.ts');
      try {
        return await openPostgresToLook(await target(), storeOptions());
      } catch (error) {
        if (hasCode(error, 'mirror_missing')) return emptyMirror(settings);
        throw error;
      }
    },
    async openReader() {
      const { openPostgresReader } = await import('../../store/postgres/store.ts');
      return openPostgresReader(await target());
    },
    async openForQuery(options) {
      const { openQueryable } = await import('../../store/postgres/queryable.ts');
      return openQueryable(await target({ toQuery: true }), options);
    },
    async openFeed() {
      const { openFeed } = await import('../../store/postgres/feed.ts');
      return openFeed(await target(), systemClock);
    },
    openHooks,
    openHookReader: openHooks,
    stopsQueries: true,
    async openForReports() {
      const { openReportable } = await import('../../store/postgres/reports/reportable.ts');
      return openReportable(await target({ toQuery: true }));
    },
    async check() {
      const { checkIntegrity } = await import('../../store/postgres/inspect.ts');
      const { problems } = await checkIntegrity(await target());
      return { what: 'database', problems, cure: problems.length === 0 ? null : CURES.server };
    },
    async doctorChecks() {
      const { serverChecks } = await import('../commands/doctor/server.ts');
      const { inspectReaderRole, inspectServer } = await import('../../store/postgres/inspect.ts');
      return serverChecks({
        clock: systemClock,
        inspect: async () => inspectServer(await target(), () => systemClock.now()),
        inspectReader:
          settings.queryDatabase === null
            ? null
            : async () => inspectReaderRole(await target({ toQuery: true })),
      });
    },
    snapshotTo: null,
  };
}

/** An empty mirror in memory: nothing in it depends on an engine. */
async function emptyMirror({ omitFields }: Settings): Promise<MirrorStore> {
  const { openMirrorStore } = await import('../../store/sqlite/store.ts');
  const { IN_MEMORY } = await import('../../store/sqlite/open.ts');
  return openMirrorStore(IN_MEMORY, { create: true, clock: systemClock, omit: new Set(omitFields) });
}
