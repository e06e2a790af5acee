import { expect, onTestFinished, test } from 'vitest';
import { openFeed } from '../../../src/store/postgres/feed.ts';
import { feedContract } from '../../contracts/feed.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store/kit.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, execute, targetOf } from '../../support/postgres/server.ts';

describeWithServer('the feed of a server', () => {
  feedContract('PostgreSQL', async () => {
    const mirror = await serverMirror();
    return {
      ...mirror,
      async openFeed() {
        const feed = await openFeed(targetOf(mirror.url, { schema: mirror.schema }), mirror.clock);
        onTestFinished(() => feed.close());
        return feed;
      },
    };
  });

  test('closes also the connection of a reading that nobody goes on with', async () => {
    const { url, schema, clock, open } = await serverMirror();
    const claim = await (await open()).claim({ name: 'a', baseUrl: 'https://a.example' });
    const message = 'a long message '.repeat(300_000);
    await claim.commit(changeOf({ tasks: ['x', 'y'].map((id) => ({ ...mirrorTask(id), message })) }));
    const feed = await openFeed(targetOf(`${url}?application_name=${schema}`, { schema }), clock);
    await feed.pages({ since: 0, limit: Infinity }).next();
    const count = `select count(*)::int as n from pg_stat_activity where application_name = '${schema}'`;
    expect(await execute(url, count)).toEqual([{ n: 2 }]);
    await feed.close();
    while (JSON.stringify(await execute(url, count)) !== '[{"n":0}]');
  });
});
