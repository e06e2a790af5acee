import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { changesText } from '../../../src/render/formats/changes.ts';
import type { Feed } from '../../../src/store/feed.ts';
import { openFeed } from '../../../src/store/postgres/feed.ts';
import { openFeed as openSqliteFeed } from '../../../src/store/sqlite/feed.ts';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import type { MirrorStore } from '../../../src/store/store.ts';
import { A, B, changeOf, mirrorTask, type MirrorUnderTest } from '../../contracts/mirror-store/kit.ts';
import { allSince } from '../../contracts/feed/kit.ts';
import { Captured } from '../../support/captured.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/mirror.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, targetOf } from '../../support/postgres/server.ts';

const TEXT = 'Zeile 1\r\n"quoted" \\ 日本語 🧑‍🚀 \u0000 \u2400 \u001b[2J end';

/** Tasks that come, change, go, return and change hands, one in a commit. */
async function live(store: MirrorStore, clock: MirrorUnderTest['clock']): Promise<void> {
  const [a, b] = [await store.claim(A), await store.claim(B)];
  const put = async (claim: typeof a, ...task: Parameters<typeof mirrorTask>): Promise<void> => {
    clock.advance(1_001);
    await claim.commit(changeOf({ tasks: [mirrorTask(...task)] }));
  };
  await put(a, 'x', 0, { message: TEXT, env: '{"b":1, "a":[1.0]}', showInHistory: false });
  await put(a, 'y', 5, { status: 'running', completedAt: null, extra: '{"new":null}' });
  await put(b, 'y', 5, { status: 'running', completedAt: null, extra: '{"new":null}' });
  await put(a, 'x', 0, { message: 'short', env: null, error: TEXT, messageCount: 2 ** 40 });
  await put(b, 'z', 7, { username: null, startedAt: null, completedAt: null });
  clock.advance(1_000);
  await a.remove(['y']);
  await b.remove(['z']);
  await put(b, 'z', 7, { username: 'back', startedAt: null, completedAt: null });
  await a.remove(['x']);
}

async function printed(feed: Feed, cursor: number): Promise<string> {
  onTestFinished(() => feed.close());
  const text = changesText('jsonl', { output: new Captured(), color: false });
  return [...text.page(await allSince(feed, cursor))].join('');
}

describeWithServer('the changes of a mirror', () => {
  test.each([0, 4])('are the same text from both engines, after %i', async (cursor) => {
    const mirror = await serverMirror();
    const clock = createFakeClock(mirror.clock.now());
    const file = join(temporaryFolder(), 'mirror.db');
    const store = await openMirrorStore(file, { create: true, clock, omit: new Set() });
    onTestFinished(() => store.close());
    await live(store, clock);
    await live(await mirror.open(), mirror.clock);
    const inFile = await printed(await openSqliteFeed(file, clock), cursor);
    const target = targetOf(mirror.url, { schema: mirror.schema });
    expect(await printed(await openFeed(target, mirror.clock), cursor)).toBe(inFile);
    expect(inFile.split('\n')).toHaveLength(4);
  });
});
