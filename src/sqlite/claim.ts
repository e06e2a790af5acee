import type Database from 'better-sqlite3';
import type {
  Change,
  Clock,
  Committed,
  MirrorClaim,
  OpenTask,
  RejectedRow,
  RunKind,
  RunRecord,
  SourceState,
} from '../ports.ts';
import type { Ledger } from '../sync/ledger.ts';
import { type Task, utcText } from '../sync/task.ts';
import { edgeText, parseEdge } from './edge.ts';
import { withFile } from './failure.ts';
import { makeForReaders } from './for-readers.ts';
import type { Lease } from './lease.ts';
import { prepareQueries } from './queries.ts';
import { type Rejections, rejectionsOf } from './rejections.ts';
import { dropSearchIndex, pauseSearchIndex } from './search-index.ts';
import { createSweep, type Sweep } from './sweep.ts';
import { toTask } from './tables.ts';
import type { Upserted, Upserter } from './upsert.ts';

/** Run records kept for each source: a daemon that runs every other second would fill the disk with them. */
const RUNS_KEPT = 10_000;

/** One source's part of the mirror, under its lease. Every write renews the lease in the same transaction. */
export class SqliteClaim implements MirrorClaim {
  readonly #db: Database.Database;
  readonly #source: string;
  readonly #lease: Lease;
  readonly #upserter: Upserter;
  readonly #clock: Clock;
  readonly #searchIndex: boolean;
  readonly #queries: ReturnType<typeof prepareQueries>;
  readonly #rejections: Rejections;
  #sweep: Sweep | null = null;

  constructor(parts: {
    db: Database.Database;
    source: string;
    lease: Lease;
    upserter: Upserter;
    clock: Clock;
    searchIndex: boolean;
  }) {
    this.#db = parts.db;
    this.#source = parts.source;
    this.#lease = parts.lease;
    this.#upserter = parts.upserter;
    this.#clock = parts.clock;
    this.#searchIndex = parts.searchIndex;
    this.#queries = prepareQueries(parts.db);
    this.#rejections = rejectionsOf(parts.db, parts.source);
  }

  async state(): Promise<SourceState> {
    return this.#read(() => {
      const row = this.#queries.source.get({ source: this.#source });
      const gaps = this.#queries.gaps.all({ source: this.#source });
      return {
        ledger: {
          watermark: parseEdge(row?.watermark ?? null),
          gaps: gaps.map(({ lower, upper }) => ({ lower: parseEdge(lower), upper: Date.parse(upper) })),
        },
        total: row?.api_total ?? null,
        learnedOverlapMs: row?.learned_overlap_ms ?? 0,
        surplus: row?.total_surplus ?? null,
      };
    });
  }

  async startRun(kind: RunKind): Promise<number> {
    return this.#write((now) => {
      this.#queries.closeStaleRuns.run({
        source: this.#source,
        now,
        error: 'the process ended during this run',
      });
      // Before anything else is written: this is also the way out where the index is damaged, and its triggers fail.
      if (!this.#searchIndex) dropSearchIndex(this.#db);
      else if (kind === 'backfill') pauseSearchIndex(this.#db);
      const run = this.#queries.startRun.get({ source: this.#source, kind, started_at: now });
      return run?.id ?? 0;
    });
  }

  async finishRun(runId: number, record: RunRecord): Promise<void> {
    this.#write((now) => {
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
      this.#queries.pruneRuns.run({ source: this.#source, kept: RUNS_KEPT });
    });
  }

  async preview(tasks: readonly Task[]): Promise<Committed> {
    return this.#read(() => ({ ...this.#upserter.preview(tasks), healedIds: [] }));
  }

  async commit(change: Change): Promise<Committed> {
    return this.#write((now) => {
      const { total, surplus, learnedOverlapMs, ledger } = change;
      const source = this.#source;
      const written = this.#upserter.upsert(source, change.tasks, now);
      const healedIds = this.#rejections.heal(change.tasks);
      const rejectedKeys = change.rejected.map((row) => this.#rejections.reject(row, now));
      this.#meet(written, change.rejected, rejectedKeys);
      if (ledger !== undefined) this.#moveLedger(ledger);
      if (total !== undefined) this.#queries.setTotal.run({ source, total });
      if (surplus !== undefined) this.#queries.setSurplus.run({ source, surplus });
      if (learnedOverlapMs !== undefined) this.#queries.setOverlap.run({ source, ms: learnedOverlapMs });
      const { unchangedRowids: _, ...counted } = written;
      return { ...counted, healedIds };
    });
  }

  async countAbove(activity: number, atMost?: number): Promise<number> {
    return this.#read(() => {
      const above = { source: this.#source, activity: edgeText(activity), atMost: atMost ?? -1 };
      return this.#queries.countAbove.get(above)?.count ?? 0;
    });
  }

  async openTasks(): Promise<OpenTask[]> {
    return this.#read(() =>
      this.#queries.openTasks
        .all({ source: this.#source })
        .map((row) => ({ id: row.id, activity: Date.parse(row.last_activity_at) })),
    );
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

  async meet(ids: readonly string[]): Promise<void> {
    this.#read(() => this.#swept().meet(ids));
  }

  async countUnmet(): Promise<number> {
    return this.#read(() => this.#swept().countUnmet());
  }

  async unmet(afterId: string, limit: number): Promise<string[]> {
    return this.#read(() => this.#swept().unmet(afterId, limit));
  }

  async remove(ids: readonly string[]): Promise<number> {
    return this.#write((now) => {
      const removed = ids.filter(
        (id) => this.#queries.markRemoved.run({ source: this.#source, id, now }) === 1,
      );
      for (const id of removed) this.#upserter.journal(id, 'removed_at', null, now, now);
      return removed.length;
    });
  }

  async forgetUnmetRejections(): Promise<void> {
    this.#write(() => this.#swept().forgetUnmetRejections());
  }

  async prepareForReaders(signal: AbortSignal): Promise<void> {
    const write = (step: () => void): void => this.#write(step);
    await makeForReaders({ db: this.#db, searchIndex: this.#searchIndex, write }, signal);
  }

  async renew(): Promise<void> {
    this.#write(() => undefined);
  }

  async release(): Promise<void> {
    this.#read(() => {
      this.#lease.release();
    });
  }

  #read<T>(work: () => T): T {
    return withFile(this.#db.name, work);
  }

  #write<T>(work: (now: string) => T): T {
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

  #meet(written: Upserted, rejected: readonly RejectedRow[], rejectedKeys: readonly string[]): void {
    if (this.#sweep === null) return;
    this.#sweep.meetRows(written.unchangedRowids);
    const rejectedIds = rejected.flatMap(({ id }) => id ?? []);
    this.#sweep.meet([...written.insertedIds, ...written.updatedIds, ...rejectedIds]);
    for (const key of rejectedKeys) this.#sweep.meetRejected(key);
  }

  #moveLedger(ledger: Ledger): void {
    const source = this.#source;
    this.#queries.setWatermark.run({
      source,
      watermark: ledger.watermark === null ? null : utcText(ledger.watermark),
    });
    this.#queries.dropGaps.run({ source });
    for (const { lower, upper } of ledger.gaps) {
      this.#queries.addGap.run({
        source,
        lower: lower === null ? null : edgeText(lower),
        upper: edgeText(upper),
      });
    }
  }
}
