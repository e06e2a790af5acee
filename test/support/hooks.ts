import { join } from 'node:path';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { openSqliteHooks } from '../../src/store/sqlite/hooks.ts';
import { openMirrorStore } from '../../src/store/sqlite/store.ts';
import type { HooksUnderTest } from '../contracts/hook-store.ts';
import { createFakeClock } from './fake-clock.ts';
import { temporaryFolder } from './mirror.ts';

/** The hooks of a mirror in a file of its own. */
export async function sqliteHooks(): Promise<HooksUnderTest & { file: string }> {
  const file = join(temporaryFolder(), 'mirror.db');
  const clock = createFakeClock();
  const mirror = await openMirrorStore(file, { create: true, clock, omit: new Set() });
  onTestFinished(() => mirror.close());
  return {
    file,
    clock,
    mirror,
    async open() {
      const store = await openSqliteHooks(file, { clock });
      onTestFinished(() => store.close());
      return store;
    },
    async setHolder(hook, { pid, host }) {
      const db = new Database(file);
      db.prepare('update hooks set pid = ?, host = ? where name = ?').run(BigInt(pid), host, hook);
      db.close();
    },
  };
}
