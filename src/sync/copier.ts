import { setImmediate } from 'node:timers/promises';
import { SafetyStopError } from '../errors.ts';
import type { Committed, ListPage, RejectedRow, RunKind, SourceState, UpsertCounts } from '../ports.ts';
import { PagesAhead, pagesOf } from './ahead.ts';
import { Batch } from './batch.ts';
import { headOf, lateTask } from './head.ts';
import { cover, type Ledger, nextGap, openGap } from './ledger.ts';
import { readAgain } from './refresh.ts';
import type { RunCounts, RunOptions, RunParts } from './run.ts';
import type { Task } from './task.ts';
import { type Position, type Slice, walk } from './walk.ts';

/** Where a descent ended, and whether everything above that place, down from where it began, was proven to be read. */
export interface Descent extends Position {
  isWhole: boolean;
}

/** How far a descent goes. */
export interface Goal {
  isReached: (at: Position) => boolean;
  /** Rows, from the top of the list, that certainly have to be read to get there: so far pages may be read ahead. */
  reach: () => number;
}

export const TOP: Position = { offset: 0, frontier: Infinity };

/** The server's Date header has whole seconds: a head this much (ms) in its future is still the present. */
const CLOCK_GRAIN_MS = 1_000;
/** The overlap is never learned to be longer than this, in ms: beyond it, late rows are for full walks. */
const LONGEST_OVERLAP_MS = 24 * 3_600_000;

/** Copies what walks bring into the mirror: some pages at once, in one transaction with the ledger moved by what they prove. */
export class Copier {
  readonly counts: RunCounts = {
    requests: 0,
    rowsSeen: 0,
    inserted: 0,
    updated: 0,
    unchanged: 0,
    rejected: 0,
    removed: 0,
  };
  /** Why something could not be proven, for people. */
  readonly doubts: string[] = [];
  readonly parts: RunParts;
  readonly options: RunOptions;
  readonly #kind: RunKind;
  readonly #before: SourceState;
  readonly #overlapMs: number;
  readonly #onTasks: (tasks: readonly Task[]) => void;
  readonly #allowEmpty: boolean;
  readonly #batch: Batch;
  /** The coverage by what the walks have proven; the committed one may be some pages behind. */
  #ledger: Ledger;
  #committed: Ledger;
  #opened: Ledger;
  #headRead = false;
  #lateSeen = false;
  #sweeping = false;
  #repaired = false;
  #total: number | null = null;
  #reach: number;

  constructor(
    parts: RunParts,
    options: RunOptions,
    setup: {
      kind: RunKind;
      before: SourceState;
      /** Hears of every task that a page shows. */
      onTasks?: (tasks: readonly Task[]) => void;
      /** An empty list is believed even where the mirror holds tasks. */
      allowEmpty?: boolean;
    },
  ) {
    this.parts = parts;
    this.options = options;
    this.#kind = setup.kind;
    this.#before = setup.before;
    this.#onTasks = setup.onTasks ?? (() => {});
    this.#allowEmpty = setup.allowEmpty ?? false;
    this.#batch = new Batch(parts.clock);
    this.#ledger = setup.before.ledger;
    this.#committed = setup.before.ledger;
    this.#opened = setup.before.ledger;
    this.#reach = setup.before.ledger.watermark === null ? Infinity : 0;
    this.#overlapMs = Math.max(options.overlapMs, setup.before.learnedOverlapMs);
  }

  /** The coverage that is committed: without gaps, unless a walk stayed unproven or the run was cut off. */
  get ledger(): Ledger {
    return this.#committed;
  }

  /** Some walk had to step back, and linked again. */
  get repaired(): boolean {
    return this.#repaired;
  }

  /** The API's total as the last page gave it. */
  get total(): number | null {
    return this.#total;
  }

  /** Rows, from the top of the list, down to the lower edge of the run's gap: at least so many, as far as is known. */
  get reach(): number {
    return this.#reach;
  }

  get overlapMs(): number {
    return this.#overlapMs;
  }

  /** From now on, notes every row that a page shows as met. */
  async beginSweep(): Promise<void> {
    await this.parts.claim.beginSweep();
    this.#sweeping = true;
  }

  /** Walks down from `position` until the goal or the walk's own end. Whatever it brought is committed then, and if it fails. */
  async descend(position: Position, goal: Goal): Promise<Descent> {
    let at = position;
    let unproven: Ledger = { watermark: null, gaps: [{ lower: null, upper: position.frontier }] };
    const { concurrency, pageSize, signal } = this.options;
    const onRequest = () => (this.counts.requests += 1);
    const readPage = pagesOf(this.parts.source, { pageSize, signal, onRequest });
    const pages = new PagesAhead(readPage, { concurrency, reach: goal.reach });
    try {
      for await (const slice of walk((offset) => pages.read(offset), position)) {
        await this.#apply(slice);
        at = slice.next;
        if (slice.proven !== null) unproven = cover(unproven, slice.proven);
        if (goal.isReached(at)) break;
      }
    } finally {
      await pages.close();
      await this.#commit();
    }
    const isWhole = unproven.gaps.every(({ upper }) => upper <= at.frontier);
    return { ...at, isWhole };
  }

  /** True once a walk stands in covered territory: the next gap, if there is one, begins further down. */
  hasLeftGaps({ frontier }: Position): boolean {
    const { watermark } = this.#ledger;
    // Above the watermark no ledger speaks for the rows, so none may be jumped over.
    if (watermark === null || frontier > watermark) return false;
    const gap = nextGap(this.#ledger, frontier);
    return gap === undefined || gap.upper < frontier;
  }

  /** Reads single tasks, and updates those that are there. Returns the ids that the API does not know. */
  async refreshByGet(ids: readonly string[]): Promise<string[]> {
    const { source, claim } = this.parts;
    const { concurrency, signal } = this.options;
    const context = { signal, onRequest: () => (this.counts.requests += 1) };
    const gone: string[] = [];
    for (let i = 0; i < ids.length; i += concurrency) {
      signal.throwIfAborted();
      const batch = await claim.tasks(ids.slice(i, i + concurrency));
      const { tasks, rejected, missing } = await readAgain(source, batch, context);
      if (tasks.length + rejected.length > 0) this.#count(await claim.commit({ tasks, rejected }), rejected);
      gone.push(...missing);
    }
    return gone;
  }

  async #apply(slice: Slice): Promise<void> {
    const { page } = slice;
    const tasks = page.rows.flatMap(({ task }) => (task === undefined ? [] : [task]));
    const rejected = page.rows.flatMap((row) => (row.rejected === undefined ? [] : [row.rejected]));
    const head = this.#headRead ? null : await this.#readHead(slice, tasks);
    const before = head?.ledger ?? this.#ledger;
    const ledger = slice.proven === null ? before : cover(before, slice.proven);
    if (head?.quiet === true && rejected.length === 0 && before.gaps.length === 0) {
      this.counts.unchanged += tasks.length;
    } else {
      this.#batch.add({ tasks, rejected, ledger, ...(head === null ? {} : { total: page.total }) });
    }
    this.#ledger = ledger;
    if (this.#batch.isDue) {
      // The requests that this page set off are still to be sent, and a commit keeps this thread busy for a while.
      await setImmediate();
      await this.#commit();
    }
    this.#total = page.total;
    this.counts.rowsSeen += page.rows.length;
    this.#onTasks(tasks);
    this.#judge(slice);
    this.#report(slice.next.offset, page.total);
  }

  /** One transaction: the rows of the pages that wait for it, and the ledger that they prove. */
  async #commit(): Promise<void> {
    const { claim } = this.parts;
    const change = this.#batch.take();
    if (change === null) return;
    const committed = await claim.commit(change);
    const { tasks, rejected, ledger } = change;
    this.#committed = ledger;
    this.#count(committed, rejected);
    await this.#learn(tasks, committed);
    if (!this.#sweeping) return;
    await claim.meet([...tasks, ...rejected].flatMap(({ id }) => (id === null ? [] : [id])));
  }

  /**
   * Opens the run's gap, unless the head is quiet: the first page reaches below the watermark, every row on it is
   * mirrored as it is, and the total has not moved. Then nothing new can lie above the watermark. A row that
   * came late below this page while another vanished stays inside the overlap, since the watermark stays too.
   */
  async #readHead(slice: Slice, tasks: readonly Task[]): Promise<{ ledger: Ledger; quiet: boolean }> {
    const { page } = slice;
    const { watermark } = this.#ledger;
    if (page.rows.length === 0) await this.#refuseEmptyList(page);
    const activities = page.rows.flatMap(({ activity }) => (activity === null ? [] : [activity]));
    // A page of rows that cannot be read has no head: the next one will show it.
    if (activities.length === 0) return { ledger: this.#ledger, quiet: false };
    this.#headRead = true;

    const reachesWatermark = watermark !== null && (slice.ended || slice.next.frontier < watermark);
    const mayBeQuiet =
      !this.#sweeping && reachesWatermark && slice.proven !== null && page.total === this.#before.total;
    if (mayBeQuiet && (await this.parts.claim.preview(tasks)).unchanged === tasks.length) {
      return { ledger: this.#ledger, quiet: true };
    }
    const head = headOf(activities, (page.servedAt ?? this.parts.clock.now()) + CLOCK_GRAIN_MS);
    this.#opened = openGap(this.#ledger, head, this.#overlapMs);
    this.#reach = await this.#rowsInGap(page.total);
    return { ledger: this.#opened, quiet: false };
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
    return grown + (await this.parts.claim.countAbove(gap.lower));
  }

  async #refuseEmptyList(page: ListPage): Promise<void> {
    if (page.hasMore || this.#allowEmpty) return;
    const live = await this.parts.claim.countAbove(-Infinity);
    if (live === 0) return;
    throw new SafetyStopError(
      `the API shows an empty list, but the mirror holds ${live} tasks; nothing was removed`,
      {
        hint: 'Check that the key is the one whose tasks are mirrored here. If the list is empty indeed: sync --full --allow-removals.',
      },
    );
  }

  /** A task that is new in covered territory came later than the overlap allows: it is doubled, once a run. */
  async #learn(tasks: readonly Task[], committed: Committed): Promise<void> {
    if (this.#lateSeen) return;
    const late = lateTask(tasks, committed, this.#before.ledger, this.#opened);
    if (late === undefined) return;
    this.#lateSeen = true;
    const learned = Math.min(LONGEST_OVERLAP_MS, Math.max(this.#overlapMs, 1_000) * 2);
    if (learned <= this.#overlapMs) return;
    await this.parts.claim.commit({ tasks: [], rejected: [], learnedOverlapMs: learned });
    this.parts.log.info(
      { task: late.id, overlapSeconds: learned / 1_000 },
      'a task appeared later than the overlap reaches: it is doubled from the next run on',
    );
  }

  #count(counts: UpsertCounts, rejected: readonly RejectedRow[]): void {
    this.counts.inserted += counts.inserted;
    this.counts.updated += counts.updated;
    this.counts.unchanged += counts.unchanged;
    this.counts.rejected += rejected.length;
  }

  #judge(slice: Slice): void {
    const { log } = this.parts;
    const { offset } = slice.next;
    if (slice.doubt !== null) {
      this.doubts.push(slice.doubt);
      log.warn({ offset }, slice.doubt);
    } else if (slice.repaired) {
      this.#repaired = true;
      log.debug({ offset }, 'rows were pulled up past the walk: stepping back');
    }
  }

  #report(offset: number, total: number | null): void {
    const { requests, rowsSeen, inserted, updated } = this.counts;
    this.options.onProgress?.({ kind: this.#kind, offset, total, requests, rowsSeen, inserted, updated });
  }
}
