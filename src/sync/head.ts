import { SafetyStopError } from '../errors.ts';
import type { Committed, ListPage, SourceState } from '../ports.ts';
import { isMissing, type Ledger, openGap } from './ledger.ts';
import type { RunParts } from './run.ts';
import { activityOf, type Task } from './task.ts';
import type { Slice } from './walk.ts';

/** The server's Date header has whole seconds: a head this much (ms) in its future is still the present. */
const CLOCK_GRAIN_MS = 1_000;
/** The overlap is never learned to be longer than this, in ms: beyond it, late rows are for full walks. */
const LONGEST_OVERLAP_MS = 24 * 3_600_000;

/** What the top of the list means for a run: which gap it opens, and how much of the list it therefore has to read. */
export class Head {
  /** How far below the watermark the run reads again, in ms. */
  readonly overlapMs: number;
  readonly #parts: Pick<RunParts, 'claim' | 'clock' | 'log'>;
  readonly #before: SourceState;
  readonly #allowEmpty: boolean;
  #opened: Ledger;
  #isRead = false;
  #lateSeen = false;
  #reach: number;

  /** `allowEmpty`: an empty list is believed even where the mirror holds tasks. */
  constructor(
    parts: Pick<RunParts, 'claim' | 'clock' | 'log'>,
    before: SourceState,
    { overlapMs, allowEmpty }: { overlapMs: number; allowEmpty: boolean },
  ) {
    this.#parts = parts;
    this.#before = before;
    this.#allowEmpty = allowEmpty;
    this.#opened = before.ledger;
    this.#reach = before.ledger.watermark === null ? Infinity : 0;
    this.overlapMs = Math.max(overlapMs, before.learnedOverlapMs);
  }

  /** A page has shown it: the run's gap is open, or nothing is new. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** Rows, from the top of the list, down to the lower edge of the run's gap: at least so many, as far as is known. */
  get reach(): number {
    return this.#reach;
  }

  /** A task came later than the overlap reaches. */
  get lateSeen(): boolean {
    return this.#lateSeen;
  }

  /**
   * Opens the run's gap in `ledger`, unless the head is quiet: the first page reaches below the watermark, every row on it
   * is mirrored as it is, and the total has not moved. Then nothing new can lie above the watermark. A row that
   * came late below this page while another vanished stays inside the overlap, since the watermark stays too.
   * Throws SafetyStopError where the list is empty and the mirror is not.
   */
  async read(
    slice: Slice,
    tasks: readonly Task[],
    { ledger, mayBeQuiet }: { ledger: Ledger; mayBeQuiet: boolean },
  ): Promise<{ ledger: Ledger; quiet: boolean }> {
    const { page } = slice;
    if (page.rows.length === 0) await this.#refuseEmptyList(page);
    const activities = page.rows.flatMap(({ activity }) => (activity === null ? [] : [activity]));
    // A page of rows that cannot be read has no head: the next one will show it.
    if (activities.length === 0) return { ledger, quiet: false };
    this.#isRead = true;

    if (mayBeQuiet && (await this.#isQuiet(slice, tasks, ledger))) return { ledger, quiet: true };
    const head = headOf(activities, (page.servedAt ?? this.#parts.clock.now()) + CLOCK_GRAIN_MS);
    this.#opened = openGap(ledger, head, this.overlapMs);
    this.#reach = await this.#rowsInGap(page.total);
    return { ledger: this.#opened, quiet: false };
  }

  /** A task that is new in covered territory came later than the overlap allows: it is doubled, once a run. */
  async learn(tasks: readonly Task[], committed: Committed): Promise<void> {
    if (this.#lateSeen) return;
    const late = lateTask(tasks, committed, this.#before.ledger, this.#opened);
    if (late === undefined) return;
    this.#lateSeen = true;
    const learned = Math.min(LONGEST_OVERLAP_MS, Math.max(this.overlapMs, 1_000) * 2);
    if (learned <= this.overlapMs) return;
    await this.#parts.claim.commit({ tasks: [], rejected: [], learnedOverlapMs: learned });
    this.#parts.log.info(
      { task: late.id, overlapSeconds: learned / 1_000 },
      'a task appeared later than the overlap reaches: it is doubled from the next run on',
    );
  }

  async #isQuiet(slice: Slice, tasks: readonly Task[], { watermark }: Ledger): Promise<boolean> {
    const reachesWatermark = watermark !== null && (slice.ended || slice.next.frontier < watermark);
    if (!reachesWatermark || slice.proven === null || slice.page.total !== this.#before.total) return false;
    return (await this.#parts.claim.preview(tasks)).unchanged === tasks.length;
  }

  /**
   * Rows of the list down to the lower edge of the gap that was just opened: those that are mirrored, and those that the
   * list has grown by. More, where known tasks have risen.
   */
  async #rowsInGap(total: number | null): Promise<number> {
    const [gap] = this.#opened.gaps;
    if (gap === undefined) return 0;
    if (gap.lower === null) return Infinity;
    const grown = Math.max(0, (total ?? 0) - (this.#before.total ?? Infinity));
    return grown + (await this.#parts.claim.countAbove(gap.lower));
  }

  async #refuseEmptyList(page: ListPage): Promise<void> {
    if (page.hasMore || this.#allowEmpty) return;
    const live = await this.#parts.claim.countAbove(-Infinity);
    if (live === 0) return;
    throw new SafetyStopError(
      `the API shows an empty list, but the mirror holds ${live} tasks; nothing was removed`,
      {
        hint: 'Check that the key is the one whose tasks are mirrored here. If the list is empty indeed: sync --full --allow-removals.',
      },
    );
  }
}

/**
 * The head that a page of these activities shows, at `now` (ms). A row from the future must not become the watermark:
 * whatever comes after it would lie below.
 */
function headOf(activities: readonly number[], now: number): number {
  const credible = activities.filter((activity) => activity <= now);
  return credible.length === 0 ? now : Math.max(...credible);
}

/** A task that was inserted although everything of its activity had been mirrored before, and no gap was open there. */
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
