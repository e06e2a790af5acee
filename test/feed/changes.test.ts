import { join } from 'node:path';
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type ChangesWanted, changesOf } from '../../src/feed/changes.ts';
import type { Feed, TaskChange } from '../../src/store/feed.ts';
import type { MirrorClaim } from '../../src/store/store.ts';
import { openFeed } from '../../src/store/sqlite/feed.ts';
import { openMirrorStore } from '../../src/store/sqlite/store.ts';
import { completed, running } from '../contracts/feed/kit.ts';
import { A, B, changeOf } from '../contracts/mirror-store/kit.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/mirror.ts';

let clock: FakeClock;
let feed: Feed;
let file: string;
let claim: MirrorClaim;
let other: MirrorClaim;

beforeEach(async () => {
  clock = createFakeClock();
  file = join(temporaryFolder(), 'mirror.db');
  const store = await openMirrorStore(file, { create: true, clock, omit: new Set() });
  onTestFinished(() => store.close());
  [claim, other] = [await store.claim(A), await store.claim(B)];
  feed = await openFeed(file, clock);
  onTestFinished(() => feed.close());
});

const put = (...tasks: Parameters<typeof changeOf>[0]['tasks'] & object) => claim.commit(changeOf({ tasks }));
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => running(`t${String(i).padStart(3, '0')}`));

/** Changes as somebody reads them, and a way to stop. */
function reading(wanted: Partial<ChangesWanted>) {
  const stop = new AbortController();
  const pages = changesOf(feed, { since: 'start', follow: false, signal: stop.signal, ...wanted });
  return { pages, stop };
}

async function all(wanted: Partial<ChangesWanted>): Promise<TaskChange[]> {
  const changes: TaskChange[] = [];
  for await (const page of reading(wanted).pages) changes.push(...page);
  return changes;
}

/** The next page of a reader that may have to wait for it. */
async function next(pages: AsyncGenerator<readonly TaskChange[]>): Promise<readonly TaskChange[]> {
  const page = pages.next();
  const wait = { isOver: false };
  void page.then(
    () => (wait.isOver = true),
    () => (wait.isOver = true),
  );
  while (!wait.isOver) {
    clock.advance(1_000);
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
  return (await page).value ?? [];
}

describe('reading the changes', () => {
  test('ends when all of them were read, in as many pages as it takes', async () => {
    await put(...many(250));
    expect((await all({})).map(({ seq }) => seq)).toEqual(many(250).map((_, i) => i + 1));
    expect(await all({ since: 'now' })).toEqual([]);
    expect((await all({ since: 248 })).map(({ seq }) => seq)).toEqual([249, 250]);
  });

  test('ends after as many tasks as were asked for', async () => {
    await put(...many(250));
    expect((await all({ limit: 120 })).at(-1)?.seq).toBe(120);
    expect(await all({ limit: 1, since: 249 })).toHaveLength(1);
    expect(await all({ limit: 120, status: 'failed' })).toEqual([]);
  });

  test('refuses a number that the mirror has not reached, since its changes would be passed over', async () => {
    await put(...many(3));
    expect(await all({ since: 3 })).toEqual([]);
    await expect(all({ since: 4 })).rejects.toMatchObject({
      code: 'cursor_ahead',
      facts: { since: 4, head: 3 },
    });
  });
});

describe('following the changes', () => {
  beforeEach(() => clock.hold());

  test('tells each task once as of one moment, and what comes while that is read after it', async () => {
    const long = { message: 'a long message '.repeat(100_000) };
    await put(...many(9).map((task) => ({ ...task, ...long })));
    await put(...many(9).map(({ id }) => ({ ...running(id, 1), ...long })));
    const { pages } = reading({ since: 9, follow: true });
    const first = await next(pages);
    expect(first.length).toBeLessThan(9);
    await put({ ...running('t000', 2), ...long }, { ...running('t008', 2), ...long });
    const told = [...first];
    while (told.length < 11) told.push(...(await next(pages)));
    expect(told.map(({ taskId }) => taskId)).toEqual([...many(9).map(({ id }) => id), 't000', 't008']);
    expect(told.slice(-3).map(({ changes }) => changes.map(({ newValue }) => newValue))).toEqual([
      ['1'],
      ['2'],
      ['2'],
    ]);
  });

  test('gives what comes, each change once, with what changed since the one before', async () => {
    await put(running('x'));
    const { pages } = reading({ follow: true });
    expect(await next(pages)).toMatchObject([{ taskId: 'x', event: 'added' }]);
    const second = next(pages);
    await put(running('x', 1));
    expect(await second).toMatchObject([{ seq: 2, event: 'changed', changes: [{ newValue: '1' }] }]);
    const third = next(pages);
    await other.commit(changeOf({ tasks: [running('y')] }));
    expect(await third).toMatchObject([{ seq: 3, source: 'b' }]);
    await put(running('x', 2));
    expect(await next(pages)).toMatchObject([{ seq: 4, changes: [{ oldValue: '1', newValue: '2' }] }]);
  });

  test('of one status gives the whole way of a task into it, and looks at nothing twice', async () => {
    await put(running('x'));
    const { pages } = reading({ follow: true, since: 'now', status: 'completed' });
    const asked = vi.spyOn(feed, 'pages');
    const page = next(pages);
    await put(running('x', 1), running('y'));
    for (let i = 0; i < 3; i += 1) {
      clock.advance(1_000);
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
    await put(completed('x', 1));
    expect((await page)[0]?.changes.map(({ field }) => field)).toEqual([
      'message_count',
      'status',
      'completed_at',
    ]);
    expect(asked.mock.lastCall).toMatchObject([{ since: 1, after: 3 }]);
  });

  test('ends after as many tasks as were asked for', async () => {
    const { pages } = reading({ follow: true, limit: 2 });
    const first = next(pages);
    await put(running('x'));
    expect(await first).toHaveLength(1);
    const second = next(pages);
    await put(running('y'), running('z'));
    expect(await second).toHaveLength(1);
    expect(await pages.next()).toEqual({ done: true, value: undefined });
  });

  test('ends if the mirror went back to an older state, whose next changes would be passed over', async () => {
    await put(...many(3));
    const { pages } = reading({ since: 'now', follow: true });
    const page = next(pages);
    const restored = new Database(file);
    restored.exec('update feed_state set seq = 1');
    restored.close();
    await expect(page).rejects.toMatchObject({ code: 'cursor_ahead', facts: { since: 3, head: 1 } });
  });

  test('throws the reason of its signal', async () => {
    const { pages, stop } = reading({ follow: true });
    const page = pages.next();
    await new Promise<void>((resolve) => void setImmediate(resolve));
    stop.abort(new Error('enough'));
    await expect(page).rejects.toThrow('enough');
  });
});
