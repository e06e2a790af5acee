import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openFeed } from '../../../src/store/postgres/feed.ts';
import { changeOf, mirrorTask, NEVER } from '../../contracts/mirror-store/kit.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, execute, targetOf } from '../../support/postgres/server.ts';

/** Time in ms between two looks, and between two once it is proven that commits are told. */
const LOOK_MS = 500;
const LOOK_WHEN_TOLD_MS = 30_000;

async function followed() {
  const mirror = await serverMirror();
  const store = await mirror.open();
  const claim = await store.claim({ name: 'a', baseUrl: 'https://a.example' });
  const { clock, url, schema } = mirror;
  const feed = await openFeed(targetOf(`${url}?application_name=${schema}`, { schema }), clock);
  onTestFinished(() => feed.close());
  clock.hold();
  return {
    ...mirror,
    feed,
    put: (id: string) => claim.commit(changeOf({ tasks: [mirrorTask(id)] })),
    /**
     * Waits until the wait for a change sleeps for this long. The clock stands still: a connection that was lost
     * is not opened again.
     */
    sleepsFor: async (ms: number): Promise<void> => {
      while (clock.waits.at(-1) !== ms) await setImmediate();
    },
  };
}

describeWithServer('waiting for a change in PostgreSQL', () => {
  test('ends as soon as a commit tells of one, without another look', async () => {
    const { feed, put, sleepsFor } = await followed();
    const wait = feed.changed(0, NEVER);
    await sleepsFor(LOOK_WHEN_TOLD_MS);
    await put('x');
    await wait;
    expect(await feed.head()).toBe(1);
  });

  test('goes on with a look now and then once the connection that listens is lost', async () => {
    const { feed, put, sleepsFor, url, schema, clock } = await followed();
    const wait = feed.changed(0, NEVER);
    await sleepsFor(LOOK_WHEN_TOLD_MS);
    const end = `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = '${schema}' and query like 'listen %'`;
    expect(await execute(url, end)).toHaveLength(1);
    await sleepsFor(LOOK_MS);
    await put('x');
    clock.advance(LOOK_MS);
    await wait;
    expect(await feed.head()).toBe(1);
  });

  test('of another schema does not end it', async () => {
    const [one, other] = [await followed(), await followed()];
    const wait = { isOver: false };
    const waiting = one.feed.changed(0, NEVER).finally(() => (wait.isOver = true));
    await one.sleepsFor(LOOK_WHEN_TOLD_MS);
    await other.put('x');
    for (let i = 0; i < 5; i += 1) await other.feed.head();
    expect(wait.isOver).toBe(false);
    await one.put('x');
    await waiting;
  });
});
