import { SafetyStopError } from '../errors.ts';
import type {
  Clock,
  ListPage,
  Log,
  MirrorClaim,
  OpenTask,
  RunKind,
  TaskSource,
  UpsertCounts,
  Verdict,
} from '../ports.ts';
import { cover, type Ledger, nextGap, openGap } from './ledger.ts';
import { mergeDetail, planRefresh, rowsWorthWalking } from './refresh.ts';
import { type Task, utcText } from './task.ts';
import { type Position, type Slice, walk } from './walk.ts';

/** What a run works with. */
export interface RunParts {
  source: TaskSource;
  claim: MirrorClaim;
  clock: Clock;
  log: Log;
}

export interface RunOptions {
  /** Rows asked for with one list request. */
  pageSize: number;
  /** GETs under way at once. */
  concurrency: number;
  /** How far below the watermark to read again, for rows that appeared late. */
  overlapMs: number;
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** Where a run stands, after each step. */
export interface Progress {
  kind: RunKind;
  /** Rows from the top of the list, and how many the API says there are; null where it does not say. */
  offset: number;
  total: number | null;
  requests: number;
  rowsSeen: number;
  inserted: number;
  updated: number;
}

/** What a run did, also as far as it came where it failed. */
export interface RunCounts extends UpsertCounts {
  requests: number;
  rowsSeen: number;
  rejected: number;
}

/** The server's Date header has whole seconds: a head this much (ms) in its future is still the present. */
const CLOCK_GRAIN_MS = 1_000;

/**
 * One incremental run (the first one is a backfill): reads the head, opens the gap above the watermark, walks every
 * gap down until it is closed, then reads again the open tasks that it did not meet.
 */
export class Run {
  readonly counts: RunCounts = {
    requests: 0,
    rowsSeen: 0,
    inserted: 0,
    updated: 0,
    unchanged: 0,
    rejected: 0,
  };
  /** Why something could not be proven, for people. */
  readonly doubts: string[] = [];
  readonly #parts: RunParts;
  readonly #options: RunOptions;
  readonly #kind: RunKind;
  #ledger: Ledger;
  #lastTotal: number | null;
  #headRead = false;
  #repaired = false;
  /** Open tasks that no page has shown yet, newest activity first. */
  #unmet = new Map<string, OpenTask>();

  constructor(
    parts: RunParts,
    options: RunOptions,
    before: { kind: RunKind; ledger: Ledger; total: number | null },
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#kind = before.kind;
    this.#ledger = before.ledger;
    this.#lastTotal = before.total;
  }

  /** Throws what the source and the store throw; whatever was committed stays, and the ledger knows it. */
  async execute(): Promise<void> {
    for (const task of await this.#parts.claim.openTasks()) this.#unmet.set(task.id, task);
    const top = await this.#descend({ offset: 0, frontier: Infinity }, (at) => this.#hasLeftGaps(at));
    await this.#closeGaps(top.frontier);
    await this.#refreshOpenTasks(top);
  }

  /** The coverage that is committed: without gaps, unless a walk stayed unproven or the run was cut off. */
  get ledger(): Ledger {
    return this.#ledger;
  }

  get verdict(): Verdict {
    if (this.#ledger.gaps.length > 0) return 'unproven';
    return this.#repaired ? 'repaired' : 'clean';
  }

  /** Walks down from `position`, committing page by page, until `done` or the walk's own end. */
  async #descend(position: Position, done: (at: Position) => boolean): Promise<Position> {
    let at = position;
    for await (const slice of walk((offset) => this.#readPage(offset), position)) {
      await this.#apply(slice);
      at = slice.next;
      if (done(at)) break;
    }
    return at;
  }

  async #readPage(offset: number): Promise<ListPage> {
    const { pageSize, signal } = this.#options;
    signal.throwIfAborted();
    return this.#parts.source.list(
      { offset, limit: pageSize },
      { signal, onRequest: () => (this.counts.requests += 1) },
    );
  }

  /** One page, one transaction: its rows, and the ledger moved by what the page proves. */
  async #apply(slice: Slice): Promise<void> {
    const { page } = slice;
    const tasks = page.rows.flatMap(({ task }) => (task === undefined ? [] : [task]));
    const rejected = page.rows.flatMap((row) => (row.rejected === undefined ? [] : [row.rejected]));
    const head = this.#headRead ? null : await this.#readHead(slice, tasks);
    const opened = head?.ledger ?? this.#ledger;
    const ledger = slice.proven === null ? opened : cover(opened, slice.proven);
    if (head?.quiet === true && rejected.length === 0 && ledger.gaps.length === 0) {
      this.#count({ inserted: 0, updated: 0, unchanged: tasks.length });
    } else {
      const total = head === null ? {} : { total: page.total };
      this.#count(await this.#parts.claim.commit({ tasks, rejected, ledger, ...total }));
    }
    this.#ledger = ledger;

    for (const { id } of tasks) this.#unmet.delete(id);
    this.counts.rowsSeen += page.rows.length;
    this.counts.rejected += rejected.length;
    this.#judge(slice);
    this.#report(slice.next.offset, page.total);
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
    const quiet =
      reachesWatermark &&
      slice.proven !== null &&
      page.total === this.#lastTotal &&
      (await this.#parts.claim.countChanges(tasks)) === 0;
    if (quiet) return { ledger: this.#ledger, quiet };

    // A row from the future must not become the watermark: whatever comes after it would lie below.
    const now = (page.servedAt ?? this.#parts.clock.now()) + CLOCK_GRAIN_MS;
    const credible = activities.filter((activity) => activity <= now);
    const head = credible.length === 0 ? now : Math.max(...credible);
    return { ledger: openGap(this.#ledger, head, this.#options.overlapMs), quiet };
  }

  async #refuseEmptyList(page: ListPage): Promise<void> {
    if (page.hasMore) return;
    const live = await this.#parts.claim.countAbove(-Infinity);
    if (live === 0) return;
    throw new SafetyStopError(
      `the API shows an empty list, but the mirror holds ${live} tasks; nothing was removed`,
      {
        hint: 'Check that the key is the one whose tasks are mirrored here.',
      },
    );
  }

  /** True once the walk stands in covered territory: the next gap, if there is one, begins further down. */
  #hasLeftGaps({ frontier }: Position): boolean {
    const { watermark } = this.#ledger;
    // Above the watermark no ledger speaks for the rows, so none may be jumped over.
    if (watermark === null || frontier > watermark) return false;
    const gap = nextGap(this.#ledger, frontier);
    return gap === undefined || gap.upper < frontier;
  }

  /** Seeks and walks the gaps below `frontier` that earlier runs left, each one once. */
  async #closeGaps(frontier: number): Promise<void> {
    let gap = this.#gapBelow(frontier);
    while (gap !== undefined) {
      const above = await this.#parts.claim.countAbove(gap.upper);
      this.#parts.log.debug({ gap: describe(gap), offset: above }, 'seeking a gap that an earlier run left');
      const at = await this.#descend({ offset: Math.max(0, above - 1), frontier: gap.upper }, (position) =>
        this.#hasLeftGaps(position),
      );
      gap = this.#gapBelow(Math.min(at.frontier, gap.lower ?? -Infinity));
    }
  }

  /** The next gap to seek; one that begins right at `frontier` was just given up, so the one after it. */
  #gapBelow(frontier: number): ReturnType<typeof nextGap> {
    const gap = nextGap(this.#ledger, frontier);
    return gap?.upper === frontier ? nextGap(this.#ledger, gap.lower ?? -Infinity) : gap;
  }

  async #refreshOpenTasks(top: Position): Promise<void> {
    const { claim } = this.#parts;
    const { pageSize } = this.#options;
    const oldest = [...this.#unmet.values()].at(-1)?.activity;
    if (oldest === undefined) return;
    const passed = top.frontier < oldest;
    const limit = top.offset + rowsWorthWalking(this.#unmet.size, pageSize);
    const rows = passed ? 0 : (await claim.countAbove(oldest - 1, limit)) - top.offset;
    if (planRefresh(this.#unmet.size, rows, pageSize) === 'walk') {
      await this.#descend(top, ({ frontier }) => frontier < oldest || this.#unmet.size === 0);
    }
    const ids = [...this.#unmet.keys()];
    for (let i = 0; i < ids.length; i += this.#options.concurrency) {
      await this.#refreshByGet(ids.slice(i, i + this.#options.concurrency));
    }
  }

  async #refreshByGet(ids: readonly string[]): Promise<void> {
    const { source, claim, log } = this.#parts;
    const { signal } = this.#options;
    signal.throwIfAborted();
    const onRequest = () => (this.counts.requests += 1);
    const stored = new Map((await claim.tasks(ids)).map((task) => [task.id, task]));
    // All of them settle before one failure counts: a request left behind would outlive the run.
    const answers = await Promise.allSettled(ids.map((id) => source.get(id, { signal, onRequest })));
    const tasks: Task[] = [];
    const rejected = [];
    for (const [i, answer] of answers.entries()) {
      const known = stored.get(ids[i] ?? '');
      if (answer.status === 'rejected') throw answer.reason;
      if (answer.value === null) {
        log.info({ task: ids[i] }, 'an open task is gone from the API; only a full run may remove it');
      } else if ('rejected' in answer.value) {
        rejected.push(answer.value.rejected);
      } else if (known !== undefined) {
        tasks.push(mergeDetail(known, answer.value));
      }
    }
    this.#count(await claim.commit({ tasks, rejected }));
    this.counts.rejected += rejected.length;
  }

  #count(counts: UpsertCounts): void {
    this.counts.inserted += counts.inserted;
    this.counts.updated += counts.updated;
    this.counts.unchanged += counts.unchanged;
  }

  #judge(slice: Slice): void {
    if (slice.doubt !== null) {
      this.doubts.push(slice.doubt);
      this.#parts.log.warn({ offset: slice.next.offset }, slice.doubt);
    } else if (slice.repaired) {
      this.#repaired = true;
      this.#parts.log.debug(
        { offset: slice.next.offset },
        'rows were pulled up past the walk: stepping back',
      );
    }
  }

  #report(offset: number, total: number | null): void {
    const { requests, rowsSeen, inserted, updated } = this.counts;
    this.#options.onProgress?.({ kind: this.#kind, offset, total, requests, rowsSeen, inserted, updated });
  }
}

function describe(gap: { lower: number | null; upper: number }): string {
  return `${gap.lower === null ? 'the end' : utcText(gap.lower)} to ${utcText(gap.upper)}`;
}
