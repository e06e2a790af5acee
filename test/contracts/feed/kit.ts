import type { Feed, FeedQuestion, TaskChange } from '../../../src/store/feed.ts';
import type { MirrorClaim, MirrorStore } from '../../../src/store/store.ts';
import { A, changeOf, type MirrorUnderTest, mirrorTask } from '../mirror-store/kit.ts';

/** A mirror under test whose changes can be read. */
export interface FollowedMirror extends MirrorUnderTest {
  /** Opens its changes, once more as another process would do it. */
  openFeed: () => Promise<Feed>;
}

export type MakeFeed = () => Promise<FollowedMirror>;

/** A fresh mirror with the lease of source A, and its changes. */
export interface Followed extends FollowedMirror {
  store: MirrorStore;
  claim: MirrorClaim;
  feed: Feed;
  /** Commits tasks of source A, a second after the last commit. */
  put: (...tasks: Parameters<MirrorClaim['commit']>[0]['tasks'][number][]) => Promise<void>;
}

export async function followed(make: MakeFeed): Promise<Followed> {
  const mirror = await make();
  const store = await mirror.open();
  const claim = await store.claim(A);
  return {
    ...mirror,
    store,
    claim,
    feed: await mirror.openFeed(),
    async put(...tasks) {
      mirror.clock.advance(1_000);
      await claim.commit(changeOf({ tasks }));
    },
  };
}

/** A change in short: its task, what happened to it, and the fields of its lines. */
export type Short = [taskId: string, event: string, ...fields: string[]];

export function short(changes: readonly TaskChange[]): Short[] {
  return changes.map(({ taskId, event, changes: lines }) => [
    taskId,
    event,
    ...lines.map(({ field }) => field),
  ]);
}

export const since = (cursor: number, more: Partial<FeedQuestion> = {}): FeedQuestion => ({
  since: cursor,
  limit: 1_000,
  ...more,
});

/** Everything after a cursor, page by page. */
export async function allSince(
  feed: Feed,
  cursor: number,
  question: Partial<FeedQuestion> = {},
): Promise<TaskChange[]> {
  const all: TaskChange[] = [];
  for (;;) {
    const page = await feed.read(since(cursor, { ...question, after: all.at(-1)?.seq ?? cursor }));
    if (page.length === 0) return all;
    all.push(...page);
  }
}

export const running = (id: string, messageCount = 0) =>
  mirrorTask(id, 0, { status: 'running', completedAt: null, messageCount });
export const completed = (id: string, messageCount = 0) => mirrorTask(id, 0, { messageCount });
