import type Database from 'better-sqlite3';
import { type QueryCreator, sql } from 'kysely';
import { utcText } from '../../model/task.ts';
import { prepare } from './statement.ts';
import type { Tables } from './tables.ts';

/** The rows that a full walk has seen, in temporary tables, so that a million rows do not stay in memory. */
export interface Sweep {
  /** Notes those of these tasks that are mirrored. */
  markSeen(ids: readonly string[]): void;
  /** Notes tasks by their rowids, which takes half the time. */
  markRowsSeen(rowids: readonly number[]): void;
  markRejectedSeen(rowKey: string): void;
  /** Counts live rows that the source holds, and those that it shows while another one holds them. */
  countUnseen(): number;
  unseen(afterId: string, limit: number): string[];
  /**
   * Drops the rejected rows up to `upTo` (ms) whose key was not seen. Call inside the mirror's transaction.
   */
  forgetUnseenRejections(upTo: number): void;
}

/** Begins a sweep of `source`, which has seen nothing yet. */
export function createSweep(db: Database.Database, source: string): Sweep {
  // By rowid: rows that a walk meets together are neighbours; random ids would be written all over the table.
  db.exec(`
    create temporary table if not exists sweep (
      source text, task_rowid integer, primary key (source, task_rowid)
    ) strict, without rowid;
    create temporary table if not exists sweep_rejected (
      source text, row_key text, primary key (source, row_key)
    ) strict, without rowid;
  `);
  for (const table of ['sweep', 'sweep_rejected'] as const) {
    prepare<{ source: string }, never>(db, (q, p) =>
      q.deleteFrom(table).where('source', '=', p('source')),
    ).run({ source });
  }
  // All at once: a statement for each would cost more than its work.
  const add = prepare<{ source: string; ids: string }, never>(db, (q, p) =>
    q
      .insertInto('sweep')
      .columns(['source', 'task_rowid'])
      .expression(
        sql`select ${p('source')}, tasks.rowid from json_each(${p('ids')}) as met
          cross join tasks on tasks.id = met.value where true`,
      )
      .onConflict((conflict) => conflict.doNothing()),
  );
  const addRows = prepare<{ source: string; rowids: string }, never>(db, (q, p) =>
    q
      .insertInto('sweep')
      .columns(['source', 'task_rowid'])
      .expression(sql`select ${p('source')}, value from json_each(${p('rowids')}) where true`)
      .onConflict((conflict) => conflict.doNothing()),
  );
  const addRejected = prepare<{ source: string; row_key: string }, never>(db, (q, p) =>
    q
      .insertInto('sweep_rejected')
      .values({ source: p('source'), row_key: p('row_key') })
      .onConflict((conflict) => conflict.doNothing()),
  );
  const count = prepare<{ source: string }, { count: number }>(db, (q, p) =>
    unseenOf(q, p('source')).select((eb) => eb.fn.countAll<number>().as('count')),
  );
  const countShared = prepare<{ source: string }, { count: number }>(db, (q, p) =>
    unseenSharedOf(q, p('source')).select((eb) => eb.fn.countAll<number>().as('count')),
  );
  const list = prepare<{ source: string; afterId: string; limit: number }, { id: string }>(db, (q, p) =>
    unseenOf(q, p('source'))
      .select('tasks.id')
      .where('tasks.id', '>', p('afterId'))
      .unionAll(unseenSharedOf(q, p('source')).select('tasks.id').where('tasks.id', '>', p('afterId')))
      .orderBy('id')
      .limit(p('limit')),
  );
  const forget = prepare<{ source: string; upTo: string | null }, never>(db, (q, p) =>
    q
      .deleteFrom('rejected_rows')
      .where('source', '=', p('source'))
      .where(
        'row_key',
        'not in',
        q.selectFrom('sweep_rejected').select('row_key').where('source', '=', p('source')),
      )
      .where((eb) => sql<boolean>`coalesce(${eb.ref('last_activity_at')} <= ${p('upTo')}, true)`),
  );
  return {
    markSeen(ids) {
      if (ids.length > 0) add.run({ source, ids: JSON.stringify(ids) });
    },
    markRowsSeen(rowids) {
      if (rowids.length > 0) addRows.run({ source, rowids: JSON.stringify(rowids) });
    },
    markRejectedSeen: (row_key) => void addRejected.run({ source, row_key }),
    countUnseen: () => (count.get({ source })?.count ?? 0) + (countShared.get({ source })?.count ?? 0),
    unseen: (afterId, limit) => list.all({ source, afterId, limit }).map(({ id }) => id),
    forgetUnseenRejections: (upTo) =>
      void forget.run({ source, upTo: Number.isFinite(upTo) ? utcText(upTo) : null }),
  };
}

function unseenOf(query: QueryCreator<Tables>, source: string) {
  return query
    .selectFrom('tasks')
    .leftJoin('sweep', (join) =>
      join.onRef('sweep.task_rowid', '=', 'tasks.rowid').onRef('sweep.source', '=', 'tasks.source'),
    )
    .where('tasks.source', '=', source)
    .where('tasks.removed_at', 'is', null)
    .where('sweep.task_rowid', 'is', null);
}

function unseenSharedOf(query: QueryCreator<Tables>, source: string) {
  return query
    .selectFrom('also_shown')
    .innerJoin('tasks', 'tasks.id', 'also_shown.task_id')
    .leftJoin('sweep', (join) =>
      join.onRef('sweep.task_rowid', '=', 'tasks.rowid').onRef('sweep.source', '=', 'also_shown.source'),
    )
    .where('also_shown.source', '=', source)
    .where('sweep.task_rowid', 'is', null);
}
