import { join } from 'node:path';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import { daemonsContract } from '../../contracts/daemons.ts';
import { type Make, mirrorStoreContract } from '../../contracts/mirror-store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/mirror.ts';

const fileMirror: Make = async () => {
  const file = join(temporaryFolder(), 'mirror.db');
  const clock = createFakeClock();
  return {
    clock,
    async open(omit = []) {
      const store = await openMirrorStore(file, { create: true, clock, omit: new Set(omit) });
      onTestFinished(() => store.close());
      return store;
    },
    setHolder(source, { pid, host }) {
      const db = new Database(file);
      db.prepare('update leases set pid = ?, host = ? where source = ?').run(BigInt(pid), host, source);
      db.close();
    },
  };
};

mirrorStoreContract('SQLite', fileMirror);
daemonsContract('SQLite', fileMirror);
