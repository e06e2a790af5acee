import type Database from 'better-sqlite3';
import type { Clock } from '../../model/clock.ts';
import { type Task, utcText } from '../../model/task.ts';
import type { Committed, ObservedSource, OpenTask, SourceState } from '../store.ts';
import { withFile } from './failure.ts';
import { prepareQueries } from './queries.ts';
import { type Rows, rowsOf } from './rows.ts';
import { type SourceRecord, sourceRecord } from './source-record.ts';
import { createSweep, type Sweep } from './sweep.ts';
import { toTask } from './tables.ts';
import type { Upserter } from './upsert.ts';

export interface SqliteViewDeps {
  db: Database.Database;
  source: string;
  upserter: Upserter;
  clock: Clock;
}

/**
 * A read-only view of one source's part of the mirror. A sweep's notes are in temporary tables of this
 * connection.
 */
export class SqliteView implements ObservedSource {
  protected readonly db: Database.Database;
  protected readonly source: string;
  protected readonly upserter: Upserter;
  protected readonly clock: Clock;
  protected readonly queries: ReturnType<typeof prepareQueries>;
  protected readonly rows: Rows;
  protected readonly record: SourceRecord;
  protected sweep: Sweep | null = null;

  constructor({ db, source, upserter, clock }: SqliteViewDeps) {
    this.db = db;
    this.source = source;
    this.upserter = upserter;
    this.clock = clock;
    this.queries = prepareQueries(db);
    this.rows = rowsOf(db, source, { held: this.queries, upserter });
    this.record = sourceRecord(db, source);
  }

  async state(): Promise<SourceState> {
    return this.read(() => this.record.read());
  }

  async preview(tasks: readonly Task[]): Promise<Committed> {
    return this.read(() => {
      this.rows.seeShown(tasks.map(({ id }) => id));
      return { ...this.upserter.preview(tasks), healedIds: [], setAside: [] };
    });
  }

  async countAbove(activity: number, atMost?: number): Promise<number> {
    return this.read(() => this.rows.countAbove(activity, atMost ?? -1));
  }

  async openTasks(): Promise<OpenTask[]> {
    return this.read(() => this.rows.openTasks());
  }

  async tasks(ids: readonly string[]): Promise<Task[]> {
    return this.read(() =>
      ids.flatMap((id) => {
        const row = this.queries.task.get({ id });
        return row === undefined ? [] : [toTask(row)];
      }),
    );
  }

  async removable(ids: readonly string[]): Promise<string[]> {
    return this.read(() => this.rows.removable(ids, utcText(this.clock.now())));
  }

  async beginSweep(): Promise<void> {
    this.sweep = this.read(() => createSweep(this.db, this.source));
  }

  async markSeen(ids: readonly string[]): Promise<void> {
    this.read(() => this.swept().markSeen(ids));
  }

  async countUnseen(): Promise<number> {
    return this.read(() => this.swept().countUnseen());
  }

  async unseen(afterId: string, limit: number): Promise<string[]> {
    return this.read(() => this.swept().unseen(afterId, limit));
  }

  async release(): Promise<void> {}

  protected read<T>(work: () => T): T {
    return withFile(this.db.name, work);
  }

  /** Returns the sweep. Throws Error before one has begun. */
  protected swept(): Sweep {
    if (this.sweep === null) throw new Error('No sweep has begun.');
    return this.sweep;
  }
}
