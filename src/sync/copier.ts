import { setImmediate } from 'node:timers/promises';
import type { RejectedRow } from '../model/task.ts';
import type { RunKind } from '../model/run.ts';
import type { Committed, SourceState } from '../store/store.ts';
import { PagesAhead } from './ahead.ts';
import { Batch, type BatchChange } from './batch.ts';
import { Head } from './head.ts';
import { cover, isMissing, type Ledger } from '../model/ledger.ts';
import { readAgain } from './refresh.ts';
import { SingleReads } from './single-reads.ts';
import type { RunCounts, RunOptions, RunDeps } from './run.ts';
import { ServedPages } from './served.ts';
import type { Task } from '../model/task.ts';
import type { Position, Slice } from './reading.ts';
import { walk } from './walk.ts';

/** The place where a descent ended, and whether everything from its beginning to there is proven read. */
export interface Descent extends Position {
  isWhole: boolean;
}

/** How far a descent goes. */
export interface Goal {
  isReached: (at: Position) => boolean;
  /** Rows from the top of the list that certainly have to be read to get there; reading ahead stops there. */
  reach: () => number;
}

/**
 * Writes walked pages in batches: rows, and the ledger they prove, in one transaction. The walk reads on while a
 * batch is written: a database on a server then works at the same time.
 */
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
  /** Reasons why something could not be proven, for people. */
  readonly doubts: string[] = [];
  readonly deps: RunDeps;
  readonly options: RunOptions;
  readonly head: Head;
  readonly #kind: RunKind;
  readonly #onTasks: (tasks: readonly Task[]) => void;
  readonly #batch: Batch;
  readonly #singleReads: SingleReads;
  /** The coverage that the walks have proven; the committed one may be some pages behind. */
  #ledger: Ledger;
  #committed: Ledger;
  /** The commit that began last. */
  #written: Promise<void> = Promise.resolve();
  #sweeping = false;
  #repaired = false;
  #total: number | null = null;

  constructor(
    deps: RunDeps,
    options: RunOptions,
    setup: {
      kind: RunKind;
      before: SourceState;
      /** Called with the tasks of every page. */
      onTasks?: (tasks: readonly Task[]) => void;
      /** An empty list is believed even if the mirror holds tasks. */
      allowEmpty?: boolean;
    },
  ) {
    this.deps = deps;
    this.options = options;
    this.#kind = setup.kind;
    this.#onTasks = setup.onTasks ?? (() => {});
    this.head = new Head(deps, setup.before, {
      overlapMs: options.overlapMs,
      allowEmpty: setup.allowEmpty ?? false,
    });
    this.#batch = new Batch(deps.clock);
    this.#singleReads = new SingleReads(deps.source, {
      signal: options.signal,
      onRequest: () => (this.counts.requests += 1),
    });
    this.#ledger = setup.before.ledger;
    this.#committed = setup.before.ledger;
  }

  /** The committed coverage: without gaps, unless a walk stayed unproven or the run was cut off. */
  get ledger(): Ledger {
    return this.#committed;
  }

  /** Whether some walk had to step back to link. */
  get repaired(): boolean {
    return this.#repaired;
  }

  /** The API's total from the last page. */
  get total(): number | null {
    return this.#total;
  }

  /** Begins a sweep: from now on, every row that is committed counts as seen. */
  async beginSweep(): Promise<void> {
    await this.deps.claim.beginSweep();
    this.#sweeping = true;
  }

  /** Walks down from `position` to the goal or the walk's end. Commits what it brought, even if it fails. */
  async descend(position: Position, goal: Goal): Promise<Descent> {
    let at = position;
    let unproven: Ledger = { watermark: null, gaps: [{ lower: null, upper: position.proven }] };
    const { concurrency, pageSize, signal } = this.options;
    const onRequest = () => (this.counts.requests += 1);
    const served = new ServedPages(this.deps.source, { pageSize, signal, onRequest });
    const pages = new PagesAhead(served, { concurrency, reach: goal.reach });
    try {
      for await (const slice of walk((wanted) => pages.read(wanted), position)) {
        await this.#apply(slice);
        at = slice.next;
        if (slice.proven !== null) unproven = cover(unproven, slice.proven);
        if (goal.isReached(at)) break;
      }
    } finally {
      await pages.close();
      await this.#beginCommit();
      await this.#written;
    }
    const isWhole = unproven.gaps.every(({ upper }) => upper <= at.proven);
    return { ...at, isWhole };
  }

  /** Returns whether a walk is in covered territory: the next gap, if there is one, begins further down. */
  hasLeftGaps({ proven }: Position): boolean {
    const { watermark } = this.#ledger;
    // Above the watermark no ledger covers the rows, so none may be skipped.
    return watermark !== null && proven <= watermark && !isMissing(this.#ledger, proven);
  }

  /**
   * Reads single tasks and updates those that are there; sets aside those that the API withholds. Returns the
   * ids that the API does not know.
   */
  async refreshByGet(ids: readonly string[]): Promise<string[]> {
    const { claim, log } = this.deps;
    const { concurrency, signal } = this.options;
    const gone: string[] = [];
    for (let i = 0; i < ids.length; i += concurrency) {
      signal.throwIfAborted();
      const batch = await claim.tasks(ids.slice(i, i + concurrency));
      const { tasks, missing, withheld, ...read } = await readAgain(this.#singleReads, batch);
      const rejected = [...read.rejected, ...withheld];
      if (tasks.length + rejected.length > 0) this.#count(await claim.commit({ tasks, rejected }), rejected);
      for (const { id, reason } of withheld) {
        log.warn({ task: id, cause: reason }, 'the API does not return a task: it stays as mirrored');
        this.doubts.push(`a task stays as mirrored, since the API does not return it: ${reason}`);
      }
      gone.push(...missing);
    }
    return gone;
  }

  async #apply(slice: Slice): Promise<void> {
    this.#judge(slice);
    const { page, next } = slice;
    if (page === null) return;
    const tasks = page.rows.flatMap(({ task }) => (task === undefined ? [] : [task]));
    const rejected = page.rows.flatMap((row) =>
      row.rejected === undefined ? [] : [{ ...row.rejected, activity: row.activity }],
    );
    const mayBeUnchanged = !this.#sweeping;
    const head = this.head.isRead
      ? null
      : await this.head.read({ ...slice, page }, tasks, { ledger: this.#ledger, mayBeUnchanged });
    const before = head?.ledger ?? this.#ledger;
    const proven = this.head.within(slice.proven);
    const ledger = proven === null ? before : cover(before, proven);
    if (head?.isUnchanged === true && rejected.length === 0 && before.gaps.length === 0) {
      this.counts.unchanged += tasks.length;
    } else {
      this.#batch.add({ tasks, rejected, ledger, ...(head === null ? {} : { total: page.total }) });
    }
    this.#ledger = ledger;
    if (this.#batch.isDue) {
      // Requests that this page triggered go out first: a commit keeps this thread busy for a while.
      await setImmediate();
      await this.#beginCommit();
    }
    this.#total = page.total;
    this.counts.rowsSeen += page.rows.length;
    this.#onTasks(tasks);
    this.#report(next.offset, page.total);
  }

  /**
   * Begins to commit the pages that wait for it, once the batch before them is written: their ledger says that
   * it is. Throws what that one failed with.
   */
  async #beginCommit(): Promise<void> {
    await this.#written;
    const change = this.#batch.take();
    if (change === null) return;
    this.#written = this.#commit(change);
    // The next to await it gets its error.
    this.#written.catch(() => {});
  }

  /** Commits, in one transaction, rows and the ledger that they prove. */
  async #commit(change: BatchChange): Promise<void> {
    const { claim } = this.deps;
    const committed = await claim.commit(change);
    const { tasks, rejected, ledger } = change;
    this.#committed = ledger;
    this.#count(committed, rejected);
    await this.head.learn(tasks, committed);
  }

  #count(committed: Committed, rejected: readonly RejectedRow[]): void {
    this.counts.inserted += committed.inserted;
    this.counts.updated += committed.updated;
    this.counts.unchanged += committed.unchanged;
    this.counts.rejected += rejected.length + committed.setAside.length;
    for (const { id, reason } of committed.setAside)
      this.deps.log.warn({ task: id, cause: reason }, 'a task was set aside');
  }

  #judge(slice: Slice): void {
    const { log } = this.deps;
    const { offset } = slice.next;
    if (slice.fault !== null) log.warn({ offset }, slice.fault);
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
