import type Database from 'better-sqlite3';
import { type Expression, expressionBuilder, sql, type SqlBool } from 'kysely';
import { prepare, type Statement } from './statement.ts';
import { type DerivedColumns, JOURNALED, type TaskColumns, type TaskRow, type Tables } from './tables.ts';

type Update = TaskColumns & DerivedColumns & { source: string; changed_at: string };

/**
 * Finds a task that is stored with these very fields. Compares inside SQLite: loading each row of a full run would
 * create garbage.
 */
export function prepareFindSame(
  db: Database.Database,
): Statement<TaskColumns, { rowid: number; source: string }> {
  return prepare<TaskColumns, { rowid: number; source: string }>(db, (q, p) =>
    q.selectFrom('tasks').select(['rowid', 'source']).where('id', '=', p('id')).where(equalsStored(p)),
  );
}

/**
 * The same for a task of this source, by its place in the list: where a walk comes by, the next task lies beside the last
 * one in this index and in the table. By their ids, which are random, each would be read from another page of the file.
 */
export function prepareFindSameInPlace(
  db: Database.Database,
): Statement<TaskColumns & { source: string }, { rowid: number }> {
  return prepare<TaskColumns & { source: string }, { rowid: number }>(db, (q, p) =>
    q
      .selectFrom(
        sql<TaskRow & { rowid: number }>`tasks`.as<'tasks'>(sql`tasks indexed by tasks_by_activity`),
      )
      .select('rowid')
      .where('source', '=', p('source'))
      .where('last_activity_at', '=', p('last_activity_at'))
      .where('id', '=', p('id'))
      .where(equalsStored(p)),
  );
}

/** Every journaled field is the one that is bound, and the task has not been removed. */
function equalsStored(p: <K extends keyof TaskColumns>(name: K) => TaskColumns[K]): Expression<SqlBool> {
  const eb = expressionBuilder<Tables, 'tasks'>();
  return eb.and(JOURNALED.map((field) => eb(field, 'is', field === 'removed_at' ? null : p(field))));
}

export function prepareInsert(db: Database.Database): Statement<TaskRow, never> {
  return prepare<TaskRow, never>(db, (q, p) =>
    q
      .insertInto('tasks')
      .values({
        ...taskValues(p),
        id: p('id'),
        source: p('source'),
        first_seen_at: p('first_seen_at'),
        changed_at: p('changed_at'),
        removed_at: p('removed_at'),
      })
      .onConflict((conflict) => conflict.column('id').doNothing()),
  );
}

/**
 * A task that two keys can see stays with the source that showed it first. One that was removed goes to the source that
 * shows it now: else the first would remove it again with each full run, and the other bring it back.
 */
export function prepareUpdate(db: Database.Database): Statement<Update, never> {
  return prepare<Update, never>(db, (q, p) =>
    q
      .updateTable('tasks')
      .set((eb) => ({
        ...taskValues(p),
        source: eb.case().when('removed_at', 'is not', null).then(p('source')).else(eb.ref('source')).end(),
        changed_at: p('changed_at'),
        removed_at: null,
      }))
      .where('id', '=', p('id')),
  );
}

/** Notes that this source shows a live task which another one holds. */
export function prepareShare(db: Database.Database): Statement<{ task_id: string; source: string }, never> {
  return prepare<{ task_id: string; source: string }, never>(db, (q, p) =>
    q
      .insertInto('also_shown')
      .values({ task_id: p('task_id'), source: p('source') })
      .onConflict((conflict) => conflict.doNothing()),
  );
}

export function prepareJournal(db: Database.Database) {
  return prepare<
    {
      task_id: string;
      field: string;
      old_value: string | null;
      new_value: string | null;
      observed_at: string;
    },
    never
  >(db, (q, p) =>
    q.insertInto('task_changes').values({
      task_id: p('task_id'),
      field: p('field'),
      old_value: p('old_value'),
      new_value: p('new_value'),
      observed_at: p('observed_at'),
    }),
  );
}

function taskValues(p: <K extends keyof Omit<Update, 'id' | 'source' | 'changed_at'>>(name: K) => Update[K]) {
  return {
    api_key_id: p('api_key_id'),
    username: p('username'),
    session_id: p('session_id'),
    conversation_id: p('conversation_id'),
    status: p('status'),
    message: p('message'),
    system_prompt: p('system_prompt'),
    show_in_history: p('show_in_history'),
    auto_execute: p('auto_execute'),
    env: p('env'),
    error: p('error'),
    created_at: p('created_at'),
    started_at: p('started_at'),
    completed_at: p('completed_at'),
    last_activity_at: p('last_activity_at'),
    message_count: p('message_count'),
    extra: p('extra'),
    error_group: p('error_group'),
    queue_ms: p('queue_ms'),
    run_ms: p('run_ms'),
  };
}
