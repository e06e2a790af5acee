import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { connect, type Database } from '../../../src/store/postgres/connection.ts';
import { openFeed } from '../../../src/store/postgres/feed.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import { changeOf, mirrorTask, NEVER } from '../../contracts/mirror-store/kit.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { poolerLacks, startPooler } from '../../support/postgres/pooler.ts';
import { describeWithServerAnd, execute, ownServer, targetOf } from '../../support/postgres/server.ts';
import type { Server } from '../../support/postgres/start.ts';

/** Connects through a pooler. */
async function pooled(server: Server, role: string): Promise<Database> {
  const url = server.url.replace('postgres@', `${role}@`);
  const database = connect(targetOf(await startPooler(url, { poolSize: 1 })));
  onTestFinished(() => database.end());
  return database;
}

describeWithServerAnd(poolerLacks, 'a pooler of transactions', () => {
  test('may give each statement the same connection, and the settings of the role do not show', async () => {
    const server = await ownServer();
    await execute(
      server.url,
      `create role astray login;
         alter role astray set datestyle = 'German'; alter role astray set timezone = 'Asia/Kolkata';
         alter role astray set client_encoding = 'LATIN1'`,
    );
    const database = await pooled(server, 'astray');
    const asked = Array.from({ length: 4 }, () =>
      database.query<{ pid: number }>(
        `select pg_backend_pid() as pid, current_setting('datestyle') as style, $1::timestamptz as at, 'é' as text`,
        ['2026-02-01T00:00:00.5Z'],
      ),
    );
    const rows = (await Promise.all(asked)).flat();
    const at = '2026-02-01T00:00:00.500Z';
    expect(rows).toEqual(rows.map(({ pid }) => ({ pid, style: 'ISO, YMD', at, text: 'é' })));
    expect(new Set(rows.map(({ pid }) => pid)).size).toBe(1);
    expect(await database.transaction((query) => query('select 1 as one'))).toEqual([{ one: 1 }]);
  });

  test('may swallow what commits tell: a wait for a change looks now and then', async () => {
    const server = await ownServer();
    const clock = createFakeClock();
    const target = targetOf(await startPooler(server.url, { poolSize: 1 }));
    const store = await openPostgresStore(target, { create: true, clock, omit: new Set() });
    onTestFinished(() => store.close());
    const claim = await store.claim({ name: 'a', baseUrl: 'https://a.example' });
    const feed = await openFeed(target, clock);
    onTestFinished(() => feed.close());
    clock.hold();
    const state = { isOver: false };
    const wait = feed.changed(0, NEVER).finally(() => (state.isOver = true));
    const looks = async (count: number): Promise<void> => {
      for (const least = clock.waits.length + count; clock.waits.length < least && !state.isOver;) {
        clock.advance(500);
        await setImmediate();
      }
    };
    await looks(20);
    expect(state.isOver).toBe(false);
    expect(new Set(clock.waits)).toEqual(new Set([500]));
    await claim.commit(changeOf({ tasks: [mirrorTask('x')] }));
    await looks(5);
    await wait;
  });
});
