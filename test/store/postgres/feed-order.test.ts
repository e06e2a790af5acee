import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openFeed } from '../../../src/store/postgres/feed.ts';
import { allSince, since } from '../../contracts/feed/kit.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store/kit.ts';
import { holdLocks, untilWaiting } from '../../support/postgres/locks.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, execute, targetOf } from '../../support/postgres/server.ts';
import type { CommitterOrders } from './committer.ts';

const SOURCES = ['a', 'b', 'c'];
const COMMITS = 40;
/** Tasks that all of them show. */
const SHARED = Array.from({ length: 15 }, (_, i) => `t${i}`);
const A = { name: 'a', baseUrl: 'https://a.example' };
const B = { name: 'b', baseUrl: 'https://b.example' };

async function followed() {
  const mirror = await serverMirror();
  const store = await mirror.open();
  const feed = await openFeed(targetOf(mirror.url, { schema: mirror.schema }), mirror.clock);
  onTestFinished(() => feed.close());
  return { ...mirror, store, feed };
}

/** Starts a process that commits; resolves to its exit code. */
async function committer(orders: CommitterOrders): Promise<unknown> {
  const child = fork(fileURLToPath(new URL('committer.ts', import.meta.url)), [JSON.stringify(orders)]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

describeWithServer('changes that several processes commit at once', () => {
  test('become visible in the order of their numbers: a reader misses none, and is told none twice', async () => {
    const { url, schema, feed } = await followed();
    const orders = SOURCES.map((source, seed) => ({
      url,
      schema,
      source,
      shared: SHARED,
      commits: COMMITS,
      seed,
    }));
    const ended = Promise.all(orders.map(committer));
    const state = { isOver: false };
    void ended.finally(() => (state.isOver = true));
    const known = new Map<string, number>();
    let cursor = 0;
    const read = async (): Promise<void> => {
      for (const { seq, taskId } of await feed.read(since(cursor, { limit: 50 }))) {
        expect(seq).toBeGreaterThan(cursor);
        cursor = seq;
        known.set(taskId, seq);
      }
      // Whatever has a number up to there now had it when it was read.
      const rows = await execute<{ id: string; seq: string }>(
        url,
        `select id, seq from "${schema}".tasks where seq <= $1`,
        [cursor],
      );
      expect(rows.filter(({ id, seq }) => known.get(id) !== Number(seq))).toEqual([]);
    };
    while (!state.isOver) await read();
    expect(await ended).toEqual(SOURCES.map(() => 0));
    while (cursor < (await feed.head())) await read();
    const all = await allSince(feed, 0);
    expect(all.length).toBeGreaterThan(SHARED.length);
    for (const { taskId, seq } of all) expect(known.get(taskId)).toBe(seq);
  });

  test('are visible only after those with smaller numbers, however long these take to commit', async () => {
    const mirror = await followed();
    const { schema, store, feed } = mirror;
    const [a, b] = [await store.claim(A), await (await mirror.open()).claim(B)];
    // It is changed after the tasks.
    const release = await holdLocks(
      mirror,
      `select from "${schema}".sources where name = 'a' for no key update`,
    );
    const slow = a.commit(changeOf({ tasks: [mirrorTask('x')], total: 1 }));
    await untilWaiting(mirror, 1);
    const quick = b.commit(changeOf({ tasks: [mirrorTask('y')] }));
    await Promise.race([quick, untilWaiting(mirror, 2)]);
    expect(await feed.read(since(0))).toEqual([]);
    await release();
    await Promise.all([slow, quick]);
    const told = await feed.read(since(0));
    expect(told.map(({ taskId, seq }) => [taskId, seq])).toEqual([
      ['x', 1],
      ['y', 2],
    ]);
  });

  test('wait for each other at the counter only, after everything else that they lock', async () => {
    const mirror = await followed();
    const { url, schema, store, feed } = mirror;
    const [a, b] = [await store.claim(A), await (await mirror.open()).claim(B)];
    await a.commit(changeOf({ tasks: [mirrorTask('x'), mirrorTask('y')] }));
    const release = await holdLocks(mirror, `select from "${schema}".feed_state for update`);
    const first = b.commit(changeOf({ tasks: [mirrorTask('x', 0, { messageCount: 5 }), mirrorTask('z')] }));
    await untilWaiting(mirror, 1);
    const second = a.commit(changeOf({ tasks: [mirrorTask('y', 0, { messageCount: 5 })] }));
    await untilWaiting(mirror, 2);
    // What the first has locked, nobody else may take: it has come to the counter with all of its locks.
    const locked = `select id from "${schema}".tasks where id in ('x', 'y') for update skip locked`;
    expect(await execute(url, locked)).toEqual([]);
    await release();
    await Promise.all([first, second]);
    const seqs = (await allSince(feed, 2)).map(({ taskId, seq }) => [taskId, seq]);
    expect(seqs.map(([, seq]) => seq)).toEqual([3, 4, 5]);
    expect(await feed.head()).toBe(5);
  });

  test('need no number, and no lock of the counter, if they change nothing', async () => {
    const mirror = await followed();
    const a = await mirror.store.claim(A);
    await a.commit(changeOf({ tasks: [mirrorTask('x')] }));
    await holdLocks(mirror, `select from "${mirror.schema}".feed_state for update`);
    await a.commit(changeOf({ tasks: [mirrorTask('x')], total: 1 }));
    expect(await mirror.feed.head()).toBe(1);
  });
});
