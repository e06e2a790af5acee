import type Database from 'better-sqlite3';
import { type Expression, expressionBuilder, sql, type SqlBool } from 'kysely';
import { prepare, type Statement } from './statement.ts';
import { FIELDS } from '../../model/fields.ts';
import type { Task } from '../../model/task.ts';
import { type DerivedColumns, JOURNALED } from '../sql/columns.ts';
import type { ChangeLine } from '../sql/task-change.ts';
import type { Stored, TaskColumns, TaskRow, Tables } from './tables.ts';

type Derived = Task & DerivedColumns;
type Inserted = Derived & Pick<TaskRow, 'source' | 'seq'> & { now: string };
type Updated = Derived & Pick<TaskRow, 'source' | 'changed_at' | 'seq'>;

/**
 * Finds a task stored with exactly these fields. Compares inside SQLite: loading each row of a full run would
 * create garbage.
 */
export function prepareFindSame(db: Database.Database): Statement<Task, { rowid: number; source: string }> {
  return prepare<Task, { rowid: number; source: string }>(db, (q, p) =>
    q.selectFrom('tasks').select(['rowid', 'source']).where('id', '=', p('id')).where(equalsStored(p)),
  );
}

/**
 * Finds the same for a task of this source, by its place in the list: during a walk, the next task is beside
 * the last one in this index and in the table. By random id, each would be read from another page of the
 * file.
 */
export function prepareFindSameInPlace(
  db: Database.Database,
): Statement<Task & { source: string }, { rowid: number }> {
  return prepare<Task & { source: string }, { rowid: number }>(db, (q, p) =>
    q
      .selectFrom(
        sql<TaskRow & { rowid: number }>`tasks`.as<'tasks'>(sql`tasks indexed by tasks_by_activity`),
      )
      .select('rowid')
      .where('source', '=', p('source'))
      .where('last_activity_at', '=', p('lastActivityAt'))
      .where('id', '=', p('id'))
      .where(equalsStored(p)),
  );
}

/** Returns whether every journaled field equals the bound one, and the task is not removed. */
function equalsStored(p: <K extends keyof Task>(name: K) => Stored<Task[K]>): Expression<SqlBool> {
  const eb = expressionBuilder<Tables, 'tasks'>();
  const equal = JOURNALED.map(({ name, column }) => eb(column, 'is', p(name)));
  return eb.and([...equal, eb('removed_at', 'is', null)]);
}

export function prepareInsert(db: Database.Database): Statement<Inserted, never> {
  return prepare<Inserted, never>(db, (q, p) =>
    q
      .insertInto('tasks')
      .values({
        ...taskValues(p),
        source: p('source'),
        first_seen_at: p('now'),
        changed_at: p('now'),
        seq: p('seq'),
        added_seq: p('seq'),
      })
      .onConflict((conflict) => conflict.column('id').doNothing()),
  );
}

/**
 * Updates a task. One that two keys can see stays with the source that showed it first. A removed one goes to
 * the source that shows it now: else the first would remove it again with each full run, and the other bring
 * it back.
 */
export function prepareUpdate(db: Database.Database): Statement<Updated, never> {
  return prepare<Updated, never>(db, (q, p) =>
    q
      .updateTable('tasks')
      .set((eb) => ({
        ...taskValues(p),
        source: eb.case().when('removed_at', 'is not', null).then(p('source')).else(eb.ref('source')).end(),
        changed_at: p('changed_at'),
        removed_at: null,
        seq: p('seq'),
      }))
      .where('id', '=', p('id')),
  );
}

/** Notes that this source shows a live task that another one holds. */
export function prepareShare(db: Database.Database): Statement<{ task_id: string; source: string }, never> {
  return prepare<{ task_id: string; source: string }, never>(db, (q, p) =>
    q
      .insertInto('also_shown')
      .values({ task_id: p('task_id'), source: p('source') })
      .onConflict((conflict) => conflict.doNothing()),
  );
}

export function prepareJournal(db: Database.Database) {
  return prepare<ChangeLine, never>(db, (q, p) =>
    q.insertInto('task_changes').values({
      task_id: p('task_id'),
      field: p('field'),
      old_value: p('old_value'),
      new_value: p('new_value'),
      observed_at: p('observed_at'),
      seq: p('seq'),
    }),
  );
}

function taskValues(p: <K extends keyof Derived>(name: K) => Stored<Derived[K]>) {
  const values = Object.fromEntries(
    FIELDS.map(({ name, column }) => [column, p(name)]),
  ) as unknown as TaskColumns;
  return { ...values, error_group: p('error_group'), queue_ms: p('queue_ms'), run_ms: p('run_ms') };
}
