import type { RunKind } from '../../model/run.ts';
import { type RejectedRow, utcText } from '../../model/task.ts';
import type { Change, Cleared, Committed, Keep, MirrorClaim, Pruned, RunRecord } from '../store.ts';
import { withFile } from './failure.ts';
import { type ForReaders, isMadeForReaders, makeForReaders } from './for-readers.ts';
import type { Lease } from './lease.ts';
import { leftoversOf } from './leftovers.ts';
import { clearOmitted, prepareKeepAgain } from './omitted.ts';
import { type Rejections, rejectionsOf } from './rejections.ts';
import { prune } from './retention.ts';
import { dropSearchIndex, pauseSearchIndex } from './search-index.ts';
import { canDropSearchIndex } from './soundness.ts';
import type { Upserted } from './upsert.ts';
import { SqliteView, type SqliteViewDeps } from './view.ts';

/** Run records kept of each source: a daemon that runs every other second would fill the disk with more. */
const RUNS_KEPT = 10_000;
/**
 * Runs between two prunings of records: to delete one with each run would write two more pages every time.
 */
const PRUNE_EVERY = 100;

export interface SqliteClaimDeps extends SqliteViewDeps {
  lease: Lease;
  searchIndex: boolean;
  /** Called after the lease is released. `wrote`: the claim changed more than the record of its run. */
  onRelease: (did: { wrote: boolean }) => void;
}

/** A claim on one source's part of the mirror. Every write checks the lease in the same transaction. */
export class SqliteClaim extends SqliteView implements MirrorClaim {
  readonly #lease: Lease;
  readonly #searchIndex: boolean;
  readonly #rejections: Rejections;
  readonly #onRelease: SqliteClaimDeps['onRelease'];
  #kind: RunKind | null = null;
  #wrote = false;

  constructor(deps: SqliteClaimDeps) {
    super(deps);
    this.#lease = deps.lease;
    this.#searchIndex = deps.searchIndex;
    this.#onRelease = deps.onRelease;
    this.#rejections = rejectionsOf(deps.db, deps.source);
  }

  async startRun(kind: RunKind): Promise<number> {
    const id = this.#lease.run;
    this.#kind = kind;
    const whole = this.#searchIndex || canDropSearchIndex(this.db);
    this.#inTransaction(() => {
      // Must be the first write: if the index is damaged, its triggers fail, and this is the way out.
      if (!this.#searchIndex) dropSearchIndex(this.db, { whole });
      else if (kind === 'backfill') pauseSearchIndex(this.db);
      this.queries.setKind.run({ id, kind });
    });
    return id;
  }

  async finishRun(runId: number, record: RunRecord): Promise<void> {
    this.#inTransaction((now) => {
      this.queries.finishRun.run({
        id: runId,
        finished_at: now,
        outcome: record.outcome,
        verdict: record.verdict,
        requests: record.requests,
        rows_seen: record.rowsSeen,
        inserted: record.inserted,
        updated: record.updated,
        unchanged: record.unchanged,
        removed: record.removed,
        rejected: record.rejected,
        error: record.error,
      });
      this.rows.noteShown();
      if (runId % PRUNE_EVERY === 0) this.queries.pruneRuns.run({ kept: RUNS_KEPT });
      if (isMadeForReaders(this.#forReaders())) this.#lease.release();
    });
  }

  async commit(change: Change): Promise<Committed> {
    return this.#write((now) => {
      const written = this.upserter.upsert(this.source, change.tasks, now);
      const healedIds = this.#rejections.heal(change.tasks);
      const rejectedKeys = change.rejected.map((row) => this.#rejections.reject(row, now));
      this.#markSeen(written, change.rejected, rejectedKeys);
      this.record.move(change);
      const { unchangedRowids: _, ...counted } = written;
      return { ...counted, healedIds, setAside: [] };
    });
  }

  async remove(ids: readonly string[]): Promise<number> {
    return this.#write((now) => this.rows.remove(ids, now));
  }

  async forgetUnseenRejections(upTo: number): Promise<void> {
    this.#write(() => this.swept().forgetUnseenRejections(upTo));
  }

  async prepareForReaders(signal: AbortSignal): Promise<void> {
    await makeForReaders(this.#forReaders(), signal);
  }

  async clearOmitted(signal: AbortSignal): Promise<Cleared> {
    if (this.#kind === 'reconcile') this.#findStray();
    return clearOmitted({ db: this.db, omit: this.upserter.omit, write: this.#write }, signal);
  }

  async prune(keep: Keep, signal: AbortSignal): Promise<Pruned> {
    return prune({ db: this.db, write: this.#write }, keep, signal);
  }

  async renew(): Promise<void> {
    this.#inTransaction(() => undefined);
  }

  override async release(): Promise<void> {
    this.read(() => {
      this.#lease.release();
      this.#onRelease({ wrote: this.#wrote });
      this.#wrote = false;
    });
  }

  /** Marks omitted fields as not cleared if values of them were stored after they had been cleared. */
  #findStray(): void {
    const { omit } = this.upserter;
    const found = this.read(() => leftoversOf(this.db, [...omit]));
    const stray = new Set(found.flatMap(({ field, inFreeSpace }) => (inFreeSpace ? [] : [field])));
    if (stray.size === 0) return;
    this.#write(prepareKeepAgain(this.db, new Set([...omit].filter((field) => !stray.has(field)))));
  }

  #forReaders(): ForReaders {
    const write = (step: () => void): void => {
      this.#wrote = true;
      this.#inTransaction(step);
    };
    return { db: this.db, searchIndex: this.#searchIndex, write };
  }

  /** Runs `work` in a transaction under the lease, and notes whether it changed anything. */
  readonly #write = <T>(work: (now: string) => T): T =>
    this.#inTransaction((now) => {
      const before = this.queries.changes();
      const done = work(now);
      this.#wrote ||= this.queries.changes() > before;
      return done;
    });

  /** Does the same for work that only records a run's start or end. */
  #inTransaction<T>(work: (now: string) => T): T {
    const transaction = this.db.transaction(() => {
      this.#lease.hold();
      return work(utcText(this.clock.now()));
    });
    return withFile(this.db.name, () => transaction.immediate());
  }

  #markSeen(written: Upserted, rejected: readonly RejectedRow[], rejectedKeys: readonly string[]): void {
    if (this.sweep === null) return;
    this.sweep.markRowsSeen(written.unchangedRowids);
    const rejectedIds = rejected.flatMap(({ id }) => id ?? []);
    this.sweep.markSeen([...written.insertedIds, ...written.updatedIds, ...rejectedIds]);
    for (const key of rejectedKeys) this.sweep.markRejectedSeen(key);
  }
}
