import type Database from 'better-sqlite3';
import { sql } from 'kysely';
import type { RunKind } from '../ports.ts';
import { OPEN_STATUSES } from '../sync/task.ts';
import { prepare } from './statement.ts';
import type { TaskRow } from './tables.ts';

/** Every statement of a claim, prepared once. */
export function prepareQueries(db: Database.Database) {
  return {
    ...prepareLedgerQueries(db),
    ...prepareRunQueries(db),
    markRemoved: prepare<{ source: string; id: string; now: string }, never>(db, (q, p) =>
      q
        .updateTable('tasks')
        .set({ removed_at: p('now'), changed_at: p('now') })
        .where('id', '=', p('id'))
        .where('source', '=', p('source'))
        .where('removed_at', 'is', null),
    ),
    task: prepare<{ id: string }, TaskRow>(db, (q, p) =>
      q.selectFrom('tasks').selectAll().where('id', '=', p('id')),
    ),
    countAbove: prepare<{ source: string; activity: string; atMost: number }, { count: number }>(db, (q, p) =>
      q
        .selectFrom(
          q
            .selectFrom('tasks')
            .select('id')
            .where('source', '=', p('source'))
            .where('removed_at', 'is', null)
            .where('last_activity_at', '>', p('activity'))
            .limit(p('atMost'))
            .as('above'),
        )
        .select((eb) => eb.fn.countAll<number>().as('count')),
    ),
    openTasks: prepare<{ source: string }, { id: string; last_activity_at: string }>(db, (q, p) =>
      q
        .selectFrom('tasks')
        .select(['id', 'last_activity_at'])
        .where('source', '=', p('source'))
        .where('removed_at', 'is', null)
        // Literals: for bound values SQLite cannot know that the index of the open tasks has them all (partialindex.html).
        .where(
          'status',
          'in',
          OPEN_STATUSES.map((status) => sql.lit(status)),
        )
        .orderBy('last_activity_at', 'desc'),
    ),
  };
}

function prepareLedgerQueries(db: Database.Database) {
  return {
    source: prepare<{ source: string }, SourceRow>(db, (q, p) =>
      q
        .selectFrom('sources')
        .select(['watermark', 'api_total', 'learned_overlap_ms', 'total_surplus'])
        .where('name', '=', p('source')),
    ),
    gaps: prepare<{ source: string }, { lower: string | null; upper: string }>(db, (q, p) =>
      q
        .selectFrom('gaps')
        .select(['lower', 'upper'])
        .where('source', '=', p('source'))
        .orderBy('upper', 'desc'),
    ),
    setWatermark: prepare<{ source: string; watermark: string | null }, never>(db, (q, p) =>
      q
        .updateTable('sources')
        .set({ watermark: p('watermark') })
        .where('name', '=', p('source')),
    ),
    setTotal: prepare<{ source: string; total: number | null }, never>(db, (q, p) =>
      q
        .updateTable('sources')
        .set({ api_total: p('total') })
        .where('name', '=', p('source')),
    ),
    setOverlap: prepare<{ source: string; ms: number }, never>(db, (q, p) =>
      q
        .updateTable('sources')
        .set({ learned_overlap_ms: p('ms') })
        .where('name', '=', p('source')),
    ),
    setSurplus: prepare<{ source: string; surplus: number | null }, never>(db, (q, p) =>
      q
        .updateTable('sources')
        .set({ total_surplus: p('surplus') })
        .where('name', '=', p('source')),
    ),
    dropGaps: prepare<{ source: string }, never>(db, (q, p) =>
      q.deleteFrom('gaps').where('source', '=', p('source')),
    ),
    addGap: prepare<{ source: string; lower: string | null; upper: string }, never>(db, (q, p) =>
      q.insertInto('gaps').values({ source: p('source'), lower: p('lower'), upper: p('upper') }),
    ),
  };
}

interface SourceRow {
  watermark: string | null;
  api_total: number | null;
  learned_overlap_ms: number;
  total_surplus: number | null;
}

function prepareRunQueries(db: Database.Database) {
  return {
    closeStaleRuns: prepare<{ source: string; now: string; error: string }, never>(db, (q, p) =>
      q
        .updateTable('sync_runs')
        .set({ finished_at: p('now'), outcome: 'interrupted', error: p('error') })
        .where('source', '=', p('source'))
        .where('finished_at', 'is', null),
    ),
    startRun: prepare<{ source: string; kind: RunKind; started_at: string }, { id: number }>(db, (q, p) =>
      q
        .insertInto('sync_runs')
        .values({
          source: p('source'),
          kind: p('kind'),
          started_at: p('started_at'),
          requests: 0,
          rows_seen: 0,
          inserted: 0,
          updated: 0,
          unchanged: 0,
          removed: 0,
          rejected: 0,
        })
        .returning('id'),
    ),
    finishRun: prepare<FinishedRun, never>(db, (q, p) =>
      q
        .updateTable('sync_runs')
        .set({
          finished_at: p('finished_at'),
          outcome: p('outcome'),
          verdict: p('verdict'),
          requests: p('requests'),
          rows_seen: p('rows_seen'),
          inserted: p('inserted'),
          updated: p('updated'),
          unchanged: p('unchanged'),
          removed: p('removed'),
          rejected: p('rejected'),
          error: p('error'),
        })
        .where('id', '=', p('id')),
    ),
    pruneRuns: prepare<{ source: string; kept: number }, never>(db, (q, p) =>
      q
        .deleteFrom('sync_runs')
        .where('source', '=', p('source'))
        .where('id', '<=', (eb) =>
          eb
            .selectFrom('sync_runs')
            .select('id')
            .where('source', '=', p('source'))
            .orderBy('id', 'desc')
            .limit(1)
            .offset(p('kept')),
        ),
    ),
  };
}

interface FinishedRun {
  id: number;
  finished_at: string;
  outcome: string;
  verdict: string | null;
  requests: number;
  rows_seen: number;
  inserted: number;
  updated: number;
  unchanged: number;
  removed: number;
  rejected: number;
  error: string | null;
}
