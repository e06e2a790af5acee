import { join } from 'node:path';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { openSqliteHooks } from '../../../src/store/sqlite/hooks.ts';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import { errorGroupContract, hookStoreContract, type HooksUnderTest } from '../../contracts/hook-store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/mirror.ts';

async function make(): Promise<HooksUnderTest> {
  const file = join(temporaryFolder(), 'mirror.db');
  const clock = createFakeClock();
  const mirror = await openMirrorStore(file, { create: true, clock, omit: new Set() });
  onTestFinished(() => mirror.close());
  return {
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

hookStoreContract('SQLite', make);
errorGroupContract('SQLite', make);
