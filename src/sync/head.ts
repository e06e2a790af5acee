import { SafetyStopError } from '../model/errors.ts';
import type { Committed, SourceState } from '../store/store.ts';
import type { ListPage } from '../source/source.ts';
import { EMPTY_LEDGER, isMissing, type Ledger, openGap } from '../model/ledger.ts';
import type { RunDeps } from './run.ts';
import { activityOf, type Task, utcText } from '../model/task.ts';
import { counted } from '../model/text.ts';
import type { Slice } from './reading.ts';

/** The server's Date header has whole seconds: a head up to this much (ms) in its future is the present. */
const CLOCK_GRAIN_MS = 1_000;
/** Longest overlap that is learned, in ms: later rows are left to full walks. */
const LONGEST_OVERLAP_MS = 24 * 3_600_000;

/** The slice of the first page. */
type FirstSlice = Slice & { page: ListPage };

/** The top of the list, and its meaning for a run: which gap it opens, and how much it must read. */
export class Head {
  /** How far below the watermark the run reads again, in ms. */
  readonly overlapMs: number;
  readonly #deps: Pick<RunDeps, 'claim' | 'clock' | 'log'>;
  readonly #before: SourceState;
  readonly #allowEmpty: boolean;
  #opened: Ledger;
  /** Activity (ms) of the list's first row; Infinity if it is not known or the list is empty. */
  #top = Infinity;
  #newest: number | null = null;
  #isRead = false;
  #lateSeen = false;
  #reach: number;

  /** `allowEmpty`: an empty list is believed even if the mirror holds tasks. */
  constructor(
    deps: Pick<RunDeps, 'claim' | 'clock' | 'log'>,
    before: SourceState,
    { overlapMs, allowEmpty }: { overlapMs: number; allowEmpty: boolean },
  ) {
    this.#deps = deps;
    this.#before = before;
    this.#allowEmpty = allowEmpty;
    this.#opened = before.ledger;
    this.#reach = before.ledger.watermark === null ? Infinity : 0;
    this.overlapMs = Math.max(overlapMs, before.learnedOverlapMs);
  }

  /** Whether a page has shown the head: the run's gap is open, or nothing is new. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /**
   * Rows from the top of the list to the lower edge of the run's gap: at least this many, as far as known.
   */
  get reach(): number {
    return this.#reach;
  }

  /**
   * The newest activity (ms) of the run's first page that is not in the future; null before it was read, and
   * if the list is empty.
   */
  get newest(): number | null {
    return this.#newest;
  }

  /**
   * Returns what a page proves without what lies above the list's first row; null if nothing is left. A
   * server that lags behind shows none of the rows up there, and a gap that an earlier run left may still
   * lack them.
   */
  within(proven: Slice['proven']): Slice['proven'] {
    if (proven === null || proven.above >= this.#top) return null;
    return { above: proven.above, upTo: Math.min(proven.upTo, this.#top) };
  }

  /** Whether a task came later than the overlap reaches. */
  get lateSeen(): boolean {
    return this.#lateSeen;
  }

  /**
   * Opens the run's gap in `ledger`, unless the head is unchanged: the first page reaches below the
   * watermark, every row on it is mirrored as it is, and the total has not changed. Then nothing new can lie
   * above the watermark. A row that came late below this page while another vanished stays inside the
   * overlap, since the watermark stays too. Throws SafetyStopError if the list is empty and the mirror is
   * not.
   */
  async read(
    slice: FirstSlice,
    tasks: readonly Task[],
    { ledger: given, mayBeUnchanged }: { ledger: Ledger; mayBeUnchanged: boolean },
  ): Promise<{ ledger: Ledger; isUnchanged: boolean }> {
    const { page } = slice;
    if (page.rows.length === 0) await this.#refuseEmptyList(page);
    const activities = page.rows.flatMap(({ activity }) => (activity === null ? [] : [activity]));
    // A page of unreadable rows has no head: the next one will show it.
    if (activities.length === 0) return { ledger: given, isUnchanged: false };
    this.#isRead = true;
    this.#top = Math.max(...activities);

    const now = this.#deps.clock.now();
    const ledger = this.#credible(given, Math.max(page.servedAt ?? Infinity, now) + CLOCK_GRAIN_MS);
    const head = headOf(activities, Math.min(page.servedAt ?? now, now) + CLOCK_GRAIN_MS);
    this.#newest = head;
    if (mayBeUnchanged && (await this.#isUnchanged(slice, tasks, ledger)))
      return { ledger, isUnchanged: true };
    this.#opened = openGap(ledger, head, this.overlapMs);
    this.#reach = await this.#rowsInGap(page.total);
    return { ledger: this.#opened, isUnchanged: false };
  }

  /**
   * Doubles the overlap, once a run, if a new task in covered territory came later than the overlap allows.
   */
  async learn(tasks: readonly Task[], committed: Committed): Promise<void> {
    if (this.#lateSeen) return;
    const late = lateTask(tasks, committed, this.#before.ledger, this.#opened);
    if (late === undefined) return;
    this.#lateSeen = true;
    const learned = Math.min(LONGEST_OVERLAP_MS, Math.max(this.overlapMs, 1_000) * 2);
    if (learned <= this.overlapMs) return;
    await this.#deps.claim.commit({ tasks: [], rejected: [], learnedOverlapMs: learned });
    this.#deps.log.info(
      { task: late.id, overlapSeconds: learned / 1_000 },
      'a task appeared later than the overlap reaches: the next run doubles the overlap',
    );
  }

  /**
   * Returns the ledger, or an empty one if its watermark is later than `latest` (ms), which the later of both
   * clocks says. A wrong clock has set such a watermark, and rows that came since then lie below it unread,
   * so nothing is known any more.
   */
  #credible(ledger: Ledger, latest: number): Ledger {
    if (ledger.watermark === null || ledger.watermark <= latest) return ledger;
    this.#deps.log.warn(
      { watermark: utcText(ledger.watermark) },
      'the watermark is in the future, set by a wrong clock: the whole list is read again',
    );
    return EMPTY_LEDGER;
  }

  async #isUnchanged(slice: FirstSlice, tasks: readonly Task[], { watermark }: Ledger): Promise<boolean> {
    const reachesWatermark = watermark !== null && (!slice.page.hasMore || slice.next.proven < watermark);
    if (!reachesWatermark || slice.proven === null || slice.page.total !== this.#before.total) return false;
    return (await this.#deps.claim.preview(tasks)).unchanged === tasks.length;
  }

  /**
   * Returns the rows of the list down to the lower edge of the gap that was just opened: those that are
   * mirrored, and those that the list has grown by. There are more if known tasks have risen.
   */
  async #rowsInGap(total: number | null): Promise<number> {
    const [gap] = this.#opened.gaps;
    if (gap === undefined) return 0;
    if (gap.lower === null) return Infinity;
    const grown = Math.max(0, (total ?? 0) - (this.#before.total ?? Infinity));
    return grown + (await this.#deps.claim.countAbove(gap.lower));
  }

  async #refuseEmptyList(page: ListPage): Promise<void> {
    if (page.hasMore || this.#allowEmpty) return;
    const live = await this.#deps.claim.countAbove(-Infinity);
    if (live === 0) return;
    throw new SafetyStopError(
      'list_empty',
      { live },
      `the API shows an empty list, but the mirror holds ${counted(live, 'task')}; nothing was removed`,
    );
  }
}

/**
 * Returns the head that a page of these activities shows at `now` (ms), by the server's clock or ours,
 * whichever is behind. A row from the future must not become the watermark: whatever comes after it would lie
 * below.
 */
function headOf(activities: readonly number[], now: number): number {
  const credible = activities.filter((activity) => activity <= now);
  return credible.length === 0 ? now : Math.max(...credible);
}

/**
 * Returns a task inserted although everything of its activity was mirrored before, with no gap open there.
 */
function lateTask(
  tasks: readonly Task[],
  { insertedIds, healedIds }: Committed,
  before: Ledger,
  opened: Ledger,
): Task | undefined {
  const { watermark } = before;
  if (watermark === null || insertedIds.length === 0) return undefined;
  const fresh = new Set(insertedIds.filter((id) => !healedIds.includes(id)));
  return tasks.find((task) => {
    const activity = activityOf(task);
    return fresh.has(task.id) && activity <= watermark && !isMissing(opened, activity);
  });
}
