import type Database from 'better-sqlite3';
import type { UpsertCounts } from '../ports.ts';
import type { OmittableField, Task } from '../sync/task.ts';
import { prepare, type Statement } from './statement.ts';
import { JOURNALED, type TaskColumns, type TaskRow, toColumns } from './tables.ts';

type Field = (typeof JOURNALED)[number];
type Update = TaskColumns & { changed_at: string };

/** Writes tasks, and nothing for those that are unchanged. To be used inside a transaction. */
export interface Upserter {
  /** Inserts or updates by id, with a line in the journal for every field that changed. `now` is UTC text. */
  upsert(source: string, tasks: readonly Task[], now: string): UpsertCounts;
  /** How many of these tasks `upsert` would write. */
  countChanges(tasks: readonly Task[]): number;
}

/** `omit`: fields that must not reach the disk, and so whose old values the journal must not keep either. */
export function createUpserter(db: Database.Database, omit: ReadonlySet<OmittableField>): Upserter {
  const find = prepare<{ id: string }, TaskRow>(db, (q, p) =>
    q.selectFrom('tasks').selectAll().where('id', '=', p('id')),
  );
  const insert = prepareInsert(db);
  const update = prepareUpdate(db);
  const journal = prepareJournal(db);
  const silent = new Set<Field>([...omit].map(columnOf));

  const upsertOne = (source: string, task: Task, now: string): keyof UpsertCounts => {
    const columns = toColumns(task);
    const stored = find.get({ id: task.id });
    if (stored === undefined) {
      insert.run({ ...columns, source, first_seen_at: now, changed_at: now, removed_at: null });
      return 'inserted';
    }
    const changed = changedFields(stored, columns);
    if (changed.length === 0) return 'unchanged';
    update.run({ ...columns, changed_at: now });
    for (const field of changed) {
      if (silent.has(field)) continue;
      const newValue = field === 'removed_at' ? null : columns[field];
      journal.run({
        task_id: task.id,
        field,
        old_value: asText(stored[field]),
        new_value: asText(newValue),
        observed_at: now,
      });
    }
    return 'updated';
  };

  return {
    upsert(source, tasks, now) {
      const counts: UpsertCounts = { inserted: 0, updated: 0, unchanged: 0 };
      for (const task of tasks) counts[upsertOne(source, task, now)] += 1;
      return counts;
    },
    countChanges(tasks) {
      return tasks.filter((task) => {
        const stored = find.get({ id: task.id });
        return stored === undefined || changedFields(stored, toColumns(task)).length > 0;
      }).length;
    },
  };
}

/** A row that comes back after its removal has changed, too: its removed_at becomes null again. */
function changedFields(stored: TaskRow, columns: TaskColumns): Field[] {
  return JOURNALED.filter((field) => stored[field] !== (field === 'removed_at' ? null : columns[field]));
}

function asText(value: string | number | null): string | null {
  return value === null ? null : String(value);
}

function columnOf(field: OmittableField): Field {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) as Field;
}

function prepareInsert(db: Database.Database): Statement<TaskRow, never> {
  return prepare<TaskRow, never>(db, (q, p) =>
    q.insertInto('tasks').values({
      ...taskValues(p),
      id: p('id'),
      source: p('source'),
      first_seen_at: p('first_seen_at'),
      changed_at: p('changed_at'),
      removed_at: p('removed_at'),
    }),
  );
}

/** Leaves `source` alone: a task that two keys can see stays with the source that showed it first. */
function prepareUpdate(db: Database.Database): Statement<Update, never> {
  return prepare<Update, never>(db, (q, p) =>
    q
      .updateTable('tasks')
      .set({ ...taskValues(p), changed_at: p('changed_at'), removed_at: null })
      .where('id', '=', p('id')),
  );
}

function prepareJournal(db: Database.Database) {
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

function taskValues(p: <K extends keyof Omit<TaskColumns, 'id'>>(name: K) => TaskColumns[K]) {
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
    queue_ms: p('queue_ms'),
    run_ms: p('run_ms'),
  };
}
