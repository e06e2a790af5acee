import { expect, onTestFinished, test } from 'vitest';
import { connect, type Database } from '../../../src/store/postgres/connection.ts';
import { openStoreOn } from '../../../src/store/postgres/store.ts';
import { runOf } from '../../contracts/mirror-store.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, targetOf } from '../../support/postgres/server.ts';

const A = { name: 'a', baseUrl: 'https://a.example' };

describeWithServer('a claim unless there is nothing left to do', () => {
  test('is given back where another process did it between the look and the claim, and leaves no record', async () => {
    const mirror = await serverMirror();
    const other = await mirror.open();
    const db = connect(targetOf(mirror.url, { schema: mirror.schema }));
    let done: number | undefined;
    const slow: Database['query'] = async (text, ...rest) => {
      if (done === undefined && text.includes('skip locked')) done = await runOf(other, 'reconcile');
      return db.query(text, ...rest);
    };
    const options = { create: false, clock: mirror.clock, omit: new Set<never>() };
    const store = await openStoreOn({ ...db, query: slow }, mirror.schema, options);
    onTestFinished(() => store.close());

    expect(await store.claimUnless(A, ({ full }) => full !== null)).toBeNull();
    expect((await store.recentRuns(10)).map(({ id }) => id)).toEqual([done]);
    await (await other.claim(A)).renew();
  });
});
