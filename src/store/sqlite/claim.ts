import type Database from 'better-sqlite3';
import type {
  Change,
  Cleared,
  Committed,
  MirrorClaim,
  OpenTask,
  Pruned,
  RunRecord,
  SourceState,
} from '../store.ts';
import type { Clock } from '../../model/clock.ts';
import type { RejectedRow } from '../../model/task.ts';
import type { RunKind } from '../../model/run.ts';
import { type Task, utcText } from '../../model/task.ts';
import { withFile } from './failure.ts';
import { type ForReaders, isMadeForReaders, makeForReaders } from './for-readers.ts';
import type { Lease } from './lease.ts';
import { clearOmitted } from './omitted.ts';
import { prepareQueries } from './queries.ts';
import { type Rejections, rejectionsOf } from './rejections.ts';
import { prune } from './retention.ts';
import { type Rows, rowsOf } from './rows.ts';
import { dropSearchIndex, pauseSearchIndex } from './search-index.ts';
import { canDropSearchIndex } from './soundness.ts';
import { type SourceRecord, sourceRecord } from './source-record.ts';
import { createSweep, type Sweep } from './sweep.ts';
import { toTask } from './tables.ts';
import type { Upserted, Upserter } from './upsert.ts';

/** Run records kept of each source: a daemon that runs every other second would fill the disk with them. */
const RUNS_KEPT = 10_000;
/** Runs between two looks at what is more than that: to delete one with each run would write two more pages every time. */
const PRUNE_EVERY = 100;

export interface SqliteClaimDeps {
  db: Database.Database;
  source: string;
  lease: Lease;
  upserter: Upserter;
  clock: Clock;
  searchIndex: boolean;
  /** Called once the lease is given back. `wrote`: the claim has changed more than the record of its run. */
  onRelease: (did: { wrote: boolean }) => void;
}

/** One source's part of the mirror, under its lease. Every write looks after the lease in the same transaction. */
export class SqliteClaim implements MirrorClaim {
  readonly #db: Database.Database;
  readonly #source: string;
  readonly #lease: Lease;
  readonly #upserter: Upserter;
  readonly #clock: Clock;
  readonly #searchIndex: boolean;
  readonly #queries: ReturnType<typeof prepareQueries>;
  readonly #rows: Rows;
  readonly #rejections: Rejections;
  readonly #state: SourceRecord;
  readonly #onRelease: SqliteClaimDeps['onRelease'];
  #sweep: Sweep | null = null;
  #wrote = false;

  constructor(deps: SqliteClaimDeps) {
    this.#db = deps.db;
    this.#source = deps.source;
    this.#lease = deps.lease;
    this.#upserter = deps.upserter;
    this.#clock = deps.clock;
    this.#searchIndex = deps.searchIndex;
    this.#onRelease = deps.onRelease;
    this.#queries = prepareQueries(deps.db);
    this.#rows = rowsOf(deps.db, deps.source, { held: this.#queries, upserter: deps.upserter });
    this.#rejections = rejectionsOf(deps.db, deps.source);
    this.#state = sourceRecord(deps.db, deps.source);
  }

  async state(): Promise<SourceState> {
    return this.#read(() => this.#state.read());
  }

  async startRun(kind: RunKind): Promise<number> {
    const id = this.#lease.run;
    const whole = this.#searchIndex || canDropSearchIndex(this.#db);
    this.#record(() => {
      // Before anything else is written: this is also the way out where the index is damaged, and its triggers fail.
      if (!this.#searchIndex) dropSearchIndex(this.#db, { whole });
      else if (kind === 'backfill') pauseSearchIndex(this.#db);
      this.#queries.setKind.run({ id, kind });
    });
    return id;
  }

  async finishRun(runId: number, record: RunRecord): Promise<void> {
    this.#record((now) => {
      this.#queries.finishRun.run({
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
      this.#rows.noteShown();
      if (runId % PRUNE_EVERY === 0) this.#queries.pruneRuns.run({ kept: RUNS_KEPT });
      if (isMadeForReaders(this.#forReaders())) this.#lease.release();
    });
  }

  async preview(tasks: readonly Task[]): Promise<Committed> {
    return this.#read(() => {
      this.#rows.seeShown(tasks.map(({ id }) => id));
      return { ...this.#upserter.preview(tasks), healedIds: [] };
    });
  }

  async commit(change: Change): Promise<Committed> {
    return this.#write((now) => {
      const written = this.#upserter.upsert(this.#source, change.tasks, now);
      const healedIds = this.#rejections.heal(change.tasks);
      const rejectedKeys = change.rejected.map((row) => this.#rejections.reject(row, now));
      this.#markSeen(written, change.rejected, rejectedKeys);
      this.#state.move(change);
      const { unchangedRowids: _, ...counted } = written;
      return { ...counted, healedIds };
    });
  }

  async countAbove(activity: number, atMost?: number): Promise<number> {
    return this.#read(() => this.#rows.countAbove(activity, atMost ?? -1));
  }

  async openTasks(): Promise<OpenTask[]> {
    return this.#read(() => this.#rows.openTasks());
  }

  async tasks(ids: readonly string[]): Promise<Task[]> {
    return this.#read(() =>
      ids.flatMap((id) => {
        const row = this.#queries.task.get({ id });
        return row === undefined ? [] : [toTask(row)];
      }),
    );
  }

  async beginSweep(): Promise<void> {
    this.#sweep = this.#read(() => createSweep(this.#db, this.#source));
  }

  async markSeen(ids: readonly string[]): Promise<void> {
    this.#read(() => this.#swept().markSeen(ids));
  }

  async countUnseen(): Promise<number> {
    return this.#read(() => this.#swept().countUnseen());
  }

  async unseen(afterId: string, limit: number): Promise<string[]> {
    return this.#read(() => this.#swept().unseen(afterId, limit));
  }

  async removable(ids: readonly string[]): Promise<string[]> {
    return this.#read(() => this.#rows.removable(ids, utcText(this.#clock.now())));
  }

  async remove(ids: readonly string[]): Promise<number> {
    return this.#write((now) => this.#rows.remove(ids, now));
  }

  async forgetUnseenRejections(upTo: number): Promise<void> {
    this.#write(() => this.#swept().forgetUnseenRejections(upTo));
  }

  async prepareForReaders(signal: AbortSignal): Promise<void> {
    await makeForReaders(this.#forReaders(), signal);
  }

  async clearOmitted(signal: AbortSignal): Promise<Cleared> {
    return clearOmitted({ db: this.#db, omit: this.#upserter.omit, write: this.#write }, signal);
  }

  async prune(before: Parameters<MirrorClaim['prune']>[0], signal: AbortSignal): Promise<Pruned> {
    return prune({ db: this.#db, write: this.#write }, before, signal);
  }

  async renew(): Promise<void> {
    this.#record(() => undefined);
  }

  async release(): Promise<void> {
    this.#read(() => {
      this.#lease.release();
      this.#onRelease({ wrote: this.#wrote });
      this.#wrote = false;
    });
  }

  #forReaders(): ForReaders {
    const write = (step: () => void): void => {
      this.#wrote = true;
      this.#record(step);
    };
    return { db: this.#db, searchIndex: this.#searchIndex, write };
  }

  #read<T>(work: () => T): T {
    return withFile(this.#db.name, work);
  }

  /** Runs `work` in a transaction under the lease, and notes whether it changed anything. */
  readonly #write = <T>(work: (now: string) => T): T =>
    this.#record((now) => {
      const before = this.#queries.changes();
      const done = work(now);
      this.#wrote ||= this.#queries.changes() > before;
      return done;
    });

  /** The same for what only says that a run is under way, or over. */
  #record<T>(work: (now: string) => T): T {
    const transaction = this.#db.transaction(() => {
      this.#lease.hold();
      return work(utcText(this.#clock.now()));
    });
    return withFile(this.#db.name, () => transaction.immediate());
  }

  #swept(): Sweep {
    if (this.#sweep === null) throw new Error('No sweep has begun.');
    return this.#sweep;
  }

  #markSeen(written: Upserted, rejected: readonly RejectedRow[], rejectedKeys: readonly string[]): void {
    if (this.#sweep === null) return;
    this.#sweep.markRowsSeen(written.unchangedRowids);
    const rejectedIds = rejected.flatMap(({ id }) => id ?? []);
    this.#sweep.markSeen([...written.insertedIds, ...written.updatedIds, ...rejectedIds]);
    for (const key of rejectedKeys) this.#sweep.markRejectedSeen(key);
  }
}
