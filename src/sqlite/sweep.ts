import type Database from 'better-sqlite3';
import { prepare } from './statement.ts';

/** Which rows a full walk has met: in a temporary table, so that a million ids do not stay in memory. */
export interface Sweep {
  meet(ids: readonly string[]): void;
  countUnmet(): number;
  unmet(afterId: string, limit: number): string[];
  /** Drops the rejected rows whose key was not met. To be used inside a transaction of the mirror's. */
  forgetUnmetRejections(): void;
}

/** Begins a sweep of `source`, which has met nothing yet. */
export function createSweep(db: Database.Database, source: string): Sweep {
  db.exec(
    'create temporary table if not exists sweep (source text, id text, primary key (source, id)) strict, without rowid',
  );
  prepare<{ source: string }, never>(db, (q, p) =>
    q.deleteFrom('sweep').where('source', '=', p('source')),
  ).run({
    source,
  });
  const add = prepare<{ source: string; id: string }, never>(db, (q, p) =>
    q
      .insertInto('sweep')
      .values({ source: p('source'), id: p('id') })
      .onConflict((conflict) => conflict.doNothing()),
  );
  const addAll = db.transaction((ids: readonly string[]) => {
    for (const id of ids) add.run({ source, id });
  });
  const count = prepare<{ source: string }, { count: number }>(db, (q, p) =>
    q
      .selectFrom('tasks')
      .leftJoin('sweep', (join) =>
        join.onRef('sweep.id', '=', 'tasks.id').onRef('sweep.source', '=', 'tasks.source'),
      )
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('tasks.source', '=', p('source'))
      .where('tasks.removed_at', 'is', null)
      .where('sweep.id', 'is', null),
  );
  const list = prepare<{ source: string; afterId: string; limit: number }, { id: string }>(db, (q, p) =>
    q
      .selectFrom('tasks')
      .leftJoin('sweep', (join) =>
        join.onRef('sweep.id', '=', 'tasks.id').onRef('sweep.source', '=', 'tasks.source'),
      )
      .select('tasks.id')
      .where('tasks.source', '=', p('source'))
      .where('tasks.removed_at', 'is', null)
      .where('sweep.id', 'is', null)
      .where('tasks.id', '>', p('afterId'))
      .orderBy('tasks.id')
      .limit(p('limit')),
  );
  const forget = prepare<{ source: string }, never>(db, (q, p) =>
    q
      .deleteFrom('rejected_rows')
      .where('source', '=', p('source'))
      .where('row_key', 'not in', q.selectFrom('sweep').select('id').where('source', '=', p('source'))),
  );
  return {
    // Neighbours in the index are written together.
    meet: (ids) => addAll.deferred(ids.toSorted()),
    countUnmet: () => count.get({ source })?.count ?? 0,
    unmet: (afterId, limit) => list.all({ source, afterId, limit }).map(({ id }) => id),
    forgetUnmetRejections: () => void forget.run({ source }),
  };
}
