import { onTestFinished } from 'vitest';
import { openFeed } from '../../../src/store/postgres/feed.ts';
import { feedContract } from '../../contracts/feed.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, targetOf } from '../../support/postgres/server.ts';

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
});
