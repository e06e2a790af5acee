import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import Database from 'better-sqlite3';
import type { Feed } from '../../src/store/feed.ts';
import type { openFeed as openSqliteFeed } from '../../src/store/sqlite/feed.ts';
import type { openMirrorStore } from '../../src/store/sqlite/store.ts';
import { type TaskRow, toTask } from '../../src/store/sqlite/tables.ts';
import { builtThrough, indexed, reindexed } from '../support/search-index.ts';
import { createSimulatedTime } from './clock.ts';
import { type Inspector, type Place, type Row, rowOf } from './place.ts';

/** The part of the store that a place needs: the real one, or one with a fault. */
export interface SqliteParts {
  openStore: typeof openMirrorStore;
  openFeed: typeof openSqliteFeed;
}

/** Creates a place for mirrors in files: a folder, in memory if possible. */
export async function createSqlitePlace({ openStore, openFeed }: SqliteParts): Promise<Place> {
  const memory = '/dev/shm';
  const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'taskmirror-simulator-'));
  const [template, file] = [join(folder, 'template.db'), join(folder, 'mirror.db')];
  const clock = createSimulatedTime(0).clockFor(() => false);
  await (await openStore(template, { create: true, clock, omit: new Set() })).close();
  let db: Database.Database | null = null;
  let feed: Feed | null = null;
  return {
    async reset() {
      copyFileSync(template, file);
      db = new Database(file, { readonly: true, fileMustExist: true });
      feed = await openFeed(file, clock);
      return inspectorOf(db, feed);
    },
    wasCut: false,
    calm() {},
    open: (of) => openStore(file, { create: false, clock: of, omit: new Set() }),
    async clear() {
      db?.close();
      await feed?.close();
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

function inspectorOf(db: Database.Database, feed: Feed): Inspector {
  const statements = prepareAll(db);
  return {
    async rows(ids) {
      const rows =
        ids === undefined ? statements.tasks.all() : ids.flatMap((id) => statements.task.get(id) ?? []);
      return rows.map(toRow);
    },
    changes: async (since, limit) => (await feed.read({ since, limit })).map(rowOf),
    async source(name) {
      const state = statements.source.get(name);
      if (state === undefined) return null;
      const gaps = statements.gaps.all(name);
      return {
        ledger: {
          watermark: timeOf(state.watermark),
          gaps: gaps.map(({ lower, upper }) => ({ lower: timeOf(lower), upper: Date.parse(upper) })),
        },
        total: state.api_total,
        learnedOverlapMs: state.learned_overlap_ms,
        rejections: new Set(statements.rejections.all(name).map(({ row_key }) => row_key)),
      };
    },
    completeThrough: async (name) => timeOf(statements.completeThrough.get(name)?.complete_through ?? null),
    // Changes with every commit of any other connection (sqlite.org/pragma.html#pragma_data_version).
    fingerprint: async () => String(db.pragma('data_version', { simple: true })),
    damage: async () => damageOf(db),
  };
}

function damageOf(db: Database.Database): string[] {
  const problems = db.prepare<[], string>('pragma integrity_check').pluck().all();
  const open = db.prepare<[], number>('select id from sync_runs where finished_at is null').pluck().all();
  const isIndexed = builtThrough(db) === null || isDeepStrictEqual(indexed(db), reindexed(db));
  if (!isIndexed) problems.push('the search index is not as one that is made anew');
  return [...problems.filter((line) => line !== 'ok'), ...open.map((id) => `run ${id} has no end`)];
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

function toRow(row: TaskRow): Row {
  return { task: toTask(row), source: row.source, isLive: row.removed_at === null, seq: row.seq };
}

function timeOf(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}
