import type { OpenTask } from '../store/store.ts';
import type { Verdict } from '../model/run.ts';
import type { Copier } from './copier.ts';
import { type Gap, nextGap } from '../model/ledger.ts';
import { planRefresh, rowsWorthWalking } from './refresh.ts';
import { type Task, utcText } from '../model/task.ts';
import { type Position, TOP } from './reading.ts';

const GAP_ABOVE =
  'a gap of an earlier run is above the first row of the list: it stays until the list shows newer rows';

/** Open tasks that no page has shown yet, newest activity first. */
export class Unseen {
  readonly #tasks = new Map<string, OpenTask>();

  add(tasks: readonly OpenTask[]): void {
    for (const task of tasks) this.#tasks.set(task.id, task);
  }

  markSeen(tasks: readonly Task[]): void {
    for (const { id } of tasks) this.#tasks.delete(id);
  }

  get ids(): string[] {
    return [...this.#tasks.keys()];
  }

  get size(): number {
    return this.#tasks.size;
  }

  get oldest(): OpenTask | undefined {
    return [...this.#tasks.values()].at(-1);
  }
}

/**
 * Does an incremental run (the first one is a backfill): reads the head, opens the gap above the watermark,
 * walks every gap down until it is closed, then reads the open tasks that it did not see once more.
 */
export async function runIncremental(copier: Copier, unseen: Unseen): Promise<Verdict> {
  unseen.add(await copier.deps.claim.openTasks());
  const top = await copier.descend(TOP, {
    isReached: (at) => copier.hasLeftGaps(at),
    reach: () => copier.head.reach,
  });
  await closeGaps(copier, top.proven);
  await refreshOpenTasks(copier, unseen, top);
  const { gaps } = copier.ledger;
  if (gaps.length > 0 && copier.doubts.length === 0) copier.doubts.push(GAP_ABOVE);
  // A walk that passed nothing has not read the head, so no gap shows what may be missing.
  if (gaps.length > 0 || top.proven === Infinity) return 'unproven';
  return copier.repaired ? 'repaired' : 'clean';
}

/** Seeks and walks the gaps below `proven` that earlier runs left, each one once. */
async function closeGaps(copier: Copier, proven: number): Promise<void> {
  const { claim, log } = copier.deps;
  let gap = gapBelow(copier, proven);
  while (gap !== undefined) {
    const above = await claim.countAbove(gap.upper);
    const lower = gap.lower === null ? 'the end' : utcText(gap.lower);
    log.debug({ upper: utcText(gap.upper), lower, offset: above }, 'looking for a gap of an earlier run');
    // Two rows above the gap, since one alone would not show that the page joins it.
    const start = { offset: Math.max(0, above - 2), frontier: gap.upper, proven: gap.upper };
    const reach = gap.lower === null ? Infinity : await claim.countAbove(gap.lower);
    const end = await copier.descend(start, {
      isReached: (at) => copier.hasLeftGaps(at),
      reach: () => reach,
    });
    gap = gapBelow(copier, Math.min(end.proven, gap.lower ?? -Infinity));
  }
}

/** Returns the next gap to seek. A gap that begins right at `proven` was just given up, so it is skipped. */
function gapBelow({ ledger }: Copier, proven: number): Gap | undefined {
  const gap = nextGap(ledger, proven);
  return gap?.upper === proven ? nextGap(ledger, gap.lower ?? -Infinity) : gap;
}

async function refreshOpenTasks(copier: Copier, unseen: Unseen, top: Position): Promise<void> {
  const oldest = unseen.oldest?.activity;
  if (oldest === undefined) return;
  const { pageSize } = copier.options;
  const passed = top.proven < oldest;
  const limit = top.offset + rowsWorthWalking(unseen.size, pageSize);
  const reach = passed ? 0 : await copier.deps.claim.countAbove(oldest - 1, limit);
  if (planRefresh(unseen.size, reach - top.offset, pageSize) === 'walk') {
    await copier.descend(
      { ...top, offset: Math.max(0, top.offset - 1) },
      {
        isReached: ({ proven }) => proven < oldest || unseen.size === 0,
        reach: () => reach,
      },
    );
  }
  for (const id of await copier.refreshByGet(unseen.ids)) {
    copier.deps.log.info({ task: id }, 'an open task is gone from the API; only a full run may remove it');
  }
}
