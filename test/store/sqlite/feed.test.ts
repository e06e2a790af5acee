import { renameSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { openFeed } from '../../../src/store/sqlite/feed.ts';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import { feedContract } from '../../contracts/feed.ts';
import { NEVER } from '../../contracts/mirror-store/kit.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/mirror.ts';

async function makeMirror() {
  const file = join(temporaryFolder(), 'mirror.db');
  const clock = createFakeClock();
  const open = async (omit: readonly string[] = []) => {
    const store = await openMirrorStore(file, { create: true, clock, omit: new Set(omit) as never });
    onTestFinished(() => store.close());
    return store;
  };
  return {
    file,
    clock,
    open,
    setHolder(source: string, { pid, host }: { pid: number; host: string }) {
      const db = new Database(file);
      db.prepare('update leases set pid = ?, host = ? where source = ?').run(BigInt(pid), host, source);
      db.close();
    },
    openFeed: async () => {
      const feed = await openFeed(file, clock);
      onTestFinished(() => feed.close());
      return feed;
    },
  };
}

feedContract('SQLite', makeMirror);

test('following a file ends when another takes its name, since nobody writes the old one any more', async () => {
  const { file, clock, open, openFeed: reopen } = await makeMirror();
  await (await open()).close();
  clock.hold();
  const feed = await reopen();
  const wait = feed.changed(0, NEVER);
  renameSync(file, `${file}.old`);
  clock.advance(1_000);
  await expect(wait).rejects.toMatchObject({ code: 'database_replaced' });
});

test('a wait looks at the file two or three times a second', async () => {
  const { clock, open, openFeed: reopen } = await makeMirror();
  await (await open()).close();
  clock.hold();
  const feed = await reopen();
  const stop = new AbortController();
  const wait = feed.changed(0, stop.signal);
  for (let i = 0; i < 100; i += 1) {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    clock.advance(100);
  }
  stop.abort();
  await wait;
  expect(clock.waits.length).toBeGreaterThan(20);
  expect(clock.waits.length).toBeLessThan(30);
});
