import type Database from 'better-sqlite3';
import { sql } from 'kysely';
import type { RunKind } from '../../model/run.ts';
import { OPEN_STATUSES } from '../../model/task.ts';
import type { RunRow } from '../sql/status-rows.ts';
import { prepare } from './statement.ts';
import type { TaskRow } from './tables.ts';

/** Prepares every statement of a claim, once. */
export function prepareQueries(db: Database.Database) {
  return {
    ...prepareRunQueries(db),
    /** Counts the rows that this connection has changed since it was opened. */
    changes: countChanges(db),
    markRemoved: prepare<{ source: string; id: string; now: string; seq: number }, never>(db, (q, p) =>
      q
        .updateTable('tasks')
        .set({ removed_at: p('now'), changed_at: p('now'), seq: p('seq') })
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
        // Literals: with bound values SQLite cannot know that the index of open tasks has them all
        // (partialindex.html).
        .where(
          'status',
          'in',
          OPEN_STATUSES.map((status) => sql.lit(status)),
        )
        .orderBy('last_activity_at', 'desc'),
    ),
  };
}

function countChanges(db: Database.Database): () => number {
  const total = db.prepare<[], number>('select total_changes()').pluck();
  return () => total.get() ?? 0;
}

function prepareRunQueries(db: Database.Database) {
  return {
    setKind: prepare<{ id: number; kind: RunKind }, never>(db, (q, p) =>
      q
        .updateTable('sync_runs')
        .set({ kind: p('kind') })
        .where('id', '=', p('id'))
        .where('kind', '<>', p('kind')),
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
    pruneRuns: prepare<{ kept: number }, never>(db, (q, p) =>
      q.deleteFrom('sync_runs').where('id', 'in', (eb) =>
        eb
          .selectFrom(
            eb
              .selectFrom('sync_runs')
              .select(['id', sql<number>`row_number() over (partition by source order by id desc)`.as('nth')])
              .as('counted'),
          )
          .select('counted.id')
          .where('nth', '>', p('kept')),
      ),
    ),
  };
}

interface FinishedRun extends Omit<RunRow, 'source' | 'kind' | 'started_at'> {
  finished_at: string;
  outcome: string;
}
