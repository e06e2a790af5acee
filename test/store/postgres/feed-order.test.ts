import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { TaskChange } from '../../../src/store/feed.ts';
import { openFeed } from '../../../src/store/postgres/feed.ts';
import { allSince, since } from '../../contracts/feed/kit.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store/kit.ts';
import { holdLocks, untilWaiting } from '../../support/postgres/locks.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, execute, targetOf } from '../../support/postgres/server.ts';
import type { CommitterOrders } from './committer.ts';

const COMMITS = 60;
const IDS = Array.from({ length: 15 }, (_, i) => `t${i}`);

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
    const sources = ['a', 'b', 'c'];
    const ended = Promise.all(
      sources.map((source, seed) => committer({ url, schema, source, ids: IDS, commits: COMMITS, seed })),
    );
    let isOver = false;
    void ended.finally(() => (isOver = true));
    const copies = new Map<string, TaskChange['task']>();
    let cursor = 0;
    const read = async (): Promise<void> => {
      for (const { seq, taskId, task } of await feed.read(since(cursor, { limit: 3 }))) {
        expect(seq).toBeGreaterThan(cursor);
        cursor = seq;
        copies.set(taskId, task);
      }
    };
    for (const state = { isOver: () => isOver }; !state.isOver();) {
      await read();
      await setImmediate();
    }
    expect(await ended).toEqual([0, 0, 0]);
    while (cursor < (await feed.head())) await read();
    const rows = await allSince(feed, 0);
    expect(rows).toHaveLength(IDS.length);
    for (const { taskId, task } of rows) expect(copies.get(taskId)).toEqual(task);
  });

  test('wait for each other at the counter only, after everything else that they lock', async () => {
    const mirror = await followed();
    const { url, schema, store, feed } = mirror;
    const [a, b] = [
      await store.claim({ name: 'a', baseUrl: 'https://a.example' }),
      await (await mirror.open()).claim({ name: 'b', baseUrl: 'https://b.example' }),
    ];
    await a.commit(changeOf({ tasks: [mirrorTask('x'), mirrorTask('y')] }));
    const release = await holdLocks(mirror, `select from "${schema}".feed_state for update`);
    const first = b.commit(changeOf({ tasks: [mirrorTask('x', 0, { messageCount: 5 }), mirrorTask('z')] }));
    await untilWaiting(mirror, 1);
    const second = a.commit(changeOf({ tasks: [mirrorTask('y', 0, { messageCount: 5 })] }));
    await untilWaiting(mirror, 2);
    // What the first has locked, nobody else may take: it has come to the counter with all of its locks.
    const locked = `select id from "${schema}".tasks where id in ('x', 'y') for update skip locked`;
    expect(await execute(url, locked)).toEqual([]);
    // A commit that changes nothing needs no number.
    await feed.head();
    await release();
    await Promise.all([first, second]);
    const seqs = (await allSince(feed, 2)).map(({ taskId, seq }) => [taskId, seq]);
    expect(seqs.map(([, seq]) => seq)).toEqual([3, 4, 5]);
    expect(await feed.head()).toBe(5);
  });

  test('need no number, and no lock of the counter, if they change nothing', async () => {
    const mirror = await followed();
    const a = await mirror.store.claim({ name: 'a', baseUrl: 'https://a.example' });
    await a.commit(changeOf({ tasks: [mirrorTask('x')] }));
    await holdLocks(mirror, `select from "${mirror.schema}".feed_state for update`);
    await a.commit(changeOf({ tasks: [mirrorTask('x')], total: 1 }));
    expect(await mirror.feed.head()).toBe(1);
  });
});
