import { existsSync } from 'node:fs';
import type { Settings } from '../../config/settings.ts';
import { systemClock } from '../../platform/clock.ts';
import type { MirrorReader, MirrorStore } from '../../store/store.ts';
import { CURES } from '../database-hints.ts';
import type { Engine } from './engine.ts';

async function openReader(file: string): Promise<MirrorReader> {
  const { openMirrorReader } = await import('../../store/sqlite/reader.ts');
  return openMirrorReader(file);
}

/** Wires a mirror in an SQLite file. Its parts are loaded on demand: most commands need few of them. */
export function sqliteEngine(settings: Settings): Engine {
  const { database: file } = settings;
  const openMirror = async (path: string, { create }: { create: boolean }): Promise<MirrorStore> => {
    const { openMirrorStore } = await import('../../store/sqlite/store.ts');
    const { omitFields, searchIndex } = settings;
    return openMirrorStore(path, { create, clock: systemClock, omit: new Set(omitFields), searchIndex });
  };
  return {
    file,
    openMirror: (options) => openMirror(file, options),
    async openToLook() {
      if (existsSync(file)) {
        const { openMirrorToLook } = await import('../../store/sqlite/store.ts');
        return openMirrorToLook(file, { clock: systemClock, omit: new Set(settings.omitFields) });
      }
      const { IN_MEMORY } = await import('../../store/sqlite/open.ts');
      return openMirror(IN_MEMORY, { create: true });
    },
    openReader: () => openReader(file),
    async openForQuery() {
      const { openQueryable } = await import('../../store/sqlite/queryable.ts');
      return openQueryable(file);
    },
    async openFeed() {
      const { openFeed } = await import('../../store/sqlite/feed.ts');
      return openFeed(file, systemClock);
    },
    async openHooks() {
      const { openSqliteHooks } = await import('../../store/sqlite/hooks.ts');
      return openSqliteHooks(file, { clock: systemClock });
    },
    async openHookReader() {
      const { openSqliteHookReader } = await import('../../store/sqlite/hooks.ts');
      return openSqliteHookReader(file);
    },
    stopsQueries: false,
    async openForReports() {
      const { openReportable } = await import('../../store/sqlite/reports/reportable.ts');
      return openReportable(file);
    },
    async check() {
      const { integrityCheck } = await import('../../store/sqlite/inspect.ts');
      const { problems, damage } = integrityCheck(file);
      return { what: 'file', problems, cure: damage === null ? null : CURES[damage] };
    },
    async doctorChecks() {
      const { fileChecks, sqliteVersionCheck } = await import('../commands/doctor/file.ts');
      const inspector = await import('../../store/sqlite/inspect.ts');
      return [sqliteVersionCheck(inspector), ...fileChecks(file, inspector)];
    },
    async snapshotTo(target) {
      const { copyMirror } = await import('../../store/sqlite/snapshot.ts');
      copyMirror(file, target);
      const reader = await openReader(target);
      try {
        return await reader.status();
      } finally {
        await reader.close();
      }
    },
  };
}
