import { deepEqual, ok } from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import Database from 'better-sqlite3';
import type { ApiTask } from '../../src/source/simulated/list.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from '../../src/store/sqlite/identity.ts';
import { mirroredTasks, readRows } from '../support/mirror.ts';
import { builtThrough, indexed, reindexed } from '../support/search-index.ts';
import { mirrorIn, type Scenario } from './scenario.ts';

/** What a look at the mirror shows. */
export interface Sight {
  /** The schema is there. Where it is not, there is nothing at all. */
  schema: boolean;
  /** Live rows. */
  rows: number;
  removed: number;
  /** Outcomes of the runs in their order; null: still open. */
  runs: (string | null)[];
  /** Who holds the lease; null: nobody. */
  holder: number | null;
}

const NOTHING: Sight = { schema: false, rows: 0, removed: 0, runs: [], holder: null };

/**
 * Holds what a run left behind, however it ended, against what must be true at every moment:
 *
 * - the file is sound, and the schema is there as a whole or not at all;
 * - the search index holds the words of all rows up to where it says that it is built, and no others;
 * - every row is as the API has shown it, and none that is alive is marked removed;
 * - the ledger is never ahead of the rows: what it counts as covered is there.
 *
 * Looks at a copy, so that the next run meets the files exactly as they were left. Throws AssertionError.
 */
export function inspect(folder: string, scenario: Scenario): Sight {
  if (!existsSync(mirrorIn(folder))) return NOTHING;
  const copy = mkdtempSync(join(tmpdir(), 'taskmirror-sight-'));
  try {
    cpSync(folder, copy, { recursive: true });
    return look(mirrorIn(copy), scenario);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function look(file: string, scenario: Scenario): Sight {
  if (!isWholeMirror(file)) return NOTHING;
  const mirrored = mirroredTasks(file);
  checkRows(mirrored, scenario);
  checkLedger(file, mirrored, scenario);
  const alive = new Set(scenario.tasks.map(({ id }) => id));
  const removed = readRows<{ id: string }>(file, 'select id from tasks where removed_at is not null');
  deepEqual(
    removed.filter(({ id }) => alive.has(id)),
    [],
    'tasks that are alive are marked removed',
  );
  const runs = readRows<{ outcome: string | null }>(file, 'select outcome from sync_runs order by id');
  const [lease] = readRows<{ pid: number }>(file, 'select pid from leases');
  return {
    schema: true,
    rows: mirrored.length,
    removed: removed.length,
    runs: runs.map(({ outcome }) => outcome),
    holder: lease?.pid ?? null,
  };
}

/** Lets SQLite recover the file, and checks it; false: there is nothing in it yet. */
function isWholeMirror(file: string): boolean {
  const db = new Database(file);
  try {
    deepEqual(db.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
    deepEqual(db.pragma('foreign_key_check'), []);
    const objects = db.prepare<[], number>('select count(*) from sqlite_master').pluck().get();
    const marks = [
      db.pragma('application_id', { simple: true }),
      db.pragma('user_version', { simple: true }),
    ];
    deepEqual(marks, objects === 0 ? [0, 0] : [APPLICATION_ID, SCHEMA_VERSION], 'half of a schema');
    if (objects !== 0 && builtThrough(db) !== null) {
      deepEqual(indexed(db), reindexed(db), 'the search index is not as one that is made anew');
    }
    return objects !== 0;
  } finally {
    db.close();
  }
}

function checkRows(mirrored: readonly ApiTask[], { versions }: Scenario): void {
  for (const task of mirrored) {
    const shown = versions.get(task.id) ?? [];
    if (shown.some((version) => isDeepStrictEqual(version, task))) continue;
    deepEqual(task, shown.at(-1), 'a row that the API never showed like this');
  }
}

function checkLedger(file: string, mirrored: readonly ApiTask[], { tasks }: Scenario): void {
  const [source] = readRows<{ watermark: string | null; complete_through: string | null }>(
    file,
    'select watermark, complete_through from mirror_status',
  );
  const gaps = readRows<{ lower: string | null; upper: string }>(file, 'select lower, upper from gaps');
  const isCovered = (at: string): boolean =>
    at <= (source?.complete_through ?? '') ||
    (at <= (source?.watermark ?? '') &&
      !gaps.some(({ lower, upper }) => (lower === null || at > lower) && at <= upper));
  const byId = new Map(mirrored.map((task) => [task.id, task]));
  for (const task of tasks.filter(({ lastActivityAt }) => isCovered(lastActivityAt))) {
    const found = byId.get(task.id);
    // A task that sank into covered territory may still be as it was above: only a full run looks there.
    const isThere = found !== undefined && found.lastActivityAt >= task.lastActivityAt;
    ok(isThere, `task ${task.id} (${task.lastActivityAt}) is covered, but not there`);
  }
}
