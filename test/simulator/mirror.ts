import { isDeepStrictEqual } from 'node:util';
import Database from 'better-sqlite3';
import type { Ledger } from '../../src/model/ledger.ts';
import type { Task } from '../../src/model/task.ts';
import { type TaskRow, toTask } from '../../src/store/sqlite/tables.ts';
import { builtThrough, indexed, reindexed } from '../support/search-index.ts';
import { detailKey, taskKey } from './keys.ts';

/** A row of the mirror, as the file holds it. */
export interface MirroredTask {
  readonly task: Task;
  /** Identify its versions, by all fields and by those that GET shows. */
  readonly key: string;
  readonly detailKey: string;
  readonly source: string;
  readonly isLive: boolean;
}

/** The rest of what the mirror holds of one source, without its tasks. */
export interface MirroredSource {
  ledger: Ledger;
  total: number | null;
  learnedOverlapMs: number;
  /** The row_key of every rejection. */
  rejections: ReadonlySet<string>;
}

/**
 * The file as another program sees it, through its own read-only connection. After each commit, it reads
 * again what the commit touched; `drifted` finds whether anything else has changed as well.
 */
export class MirrorView {
  readonly tasks = new Map<string, MirroredTask>();
  readonly sources = new Map<string, MirroredSource>();
  readonly #db: Database.Database;
  readonly #statements: ReturnType<typeof prepareAll>;

  constructor(file: string) {
    this.#db = new Database(file, { readonly: true, fileMustExist: true });
    this.#statements = prepareAll(this.#db);
  }

  /** Changes with every commit of any other connection (sqlite.org/pragma.html#pragma_data_version). */
  get version(): number {
    return Number(this.#db.pragma('data_version', { simple: true }));
  }

  /** Reads these tasks again, and all that the mirror says about the source. */
  refresh(source: string, ids: Iterable<string>): void {
    for (const id of ids) {
      const row = this.#statements.task.get(id);
      if (row === undefined) this.tasks.delete(id);
      else this.tasks.set(id, toMirrored(row));
    }
    this.refreshSource(source);
  }

  refreshSource(source: string): void {
    const state = this.#statements.source.get(source);
    if (state === undefined) return;
    const gaps = this.#statements.gaps.all(source);
    this.sources.set(source, {
      ledger: {
        watermark: timeOf(state.watermark),
        gaps: gaps.map(({ lower, upper }) => ({ lower: timeOf(lower), upper: Date.parse(upper) })),
      },
      total: state.api_total,
      learnedOverlapMs: state.learned_overlap_ms,
      rejections: new Set(this.#statements.rejections.all(source).map(({ row_key }) => row_key)),
    });
  }

  /** Returns complete_through as people see it: everything at or below it (ms) is mirrored. */
  completeThrough(source: string): number | null {
    return timeOf(this.#statements.completeThrough.get(source)?.complete_through ?? null);
  }

  /** Returns the ids of tasks that differ from the file: something changed them outside of a commit. */
  drifted(): string[] {
    const rows = this.#statements.tasks.all().map(toMirrored);
    const changed = rows.filter(({ task, key, isLive }) => {
      const known = this.tasks.get(task.id);
      return known?.key !== key || known.isLive !== isLive;
    });
    return rows.length === this.tasks.size ? changed.map(({ task }) => task.id) : ['(their number)'];
  }

  /** Returns what SQLite finds wrong with the file, and run records that no run has finished. */
  damage(): string[] {
    const problems = this.#db.prepare<[], string>('pragma integrity_check').pluck().all();
    const open = this.#db
      .prepare<[], number>('select id from sync_runs where finished_at is null')
      .pluck()
      .all();
    const isIndexed =
      builtThrough(this.#db) === null || isDeepStrictEqual(indexed(this.#db), reindexed(this.#db));
    if (!isIndexed) problems.push('the search index is not as one that is made anew');
    return [...problems.filter((line) => line !== 'ok'), ...open.map((id) => `run ${id} has no end`)];
  }

  close(): void {
    this.#db.close();
  }
}

interface SourceRow {
  watermark: string | null;
  api_total: number | null;
  learned_overlap_ms: number;
}

function prepareAll(db: Database.Database) {
  return {
    task: db.prepare<[string], TaskRow>('select * from tasks where id = ?'),
    tasks: db.prepare<[], TaskRow>('select * from tasks'),
    source: db.prepare<[string], SourceRow>(
      'select watermark, api_total, learned_overlap_ms from sources where name = ?',
    ),
    completeThrough: db.prepare<[string], { complete_through: string | null }>(
      'select complete_through from mirror_status where source = ?',
    ),
    gaps: db.prepare<[string], { lower: string | null; upper: string }>(
      'select lower, upper from gaps where source = ? order by upper desc',
    ),
    rejections: db.prepare<[string], { row_key: string }>(
      'select row_key from rejected_rows where source = ?',
    ),
  };
}

function toMirrored(row: TaskRow): MirroredTask {
  const task = toTask(row);
  return {
    task,
    key: taskKey(task),
    detailKey: detailKey(task),
    source: row.source,
    isLive: row.removed_at === null,
  };
}

function timeOf(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}
