import type Database from 'better-sqlite3';
import type { Committed, UpsertCounts } from '../store.ts';
import type { OmittableField, Task } from '../../model/task.ts';
import { columnsOf, derive, JOURNALED } from '../sql/columns.ts';
import { prepareKeepAgain } from './omitted.ts';
import { prepare } from './statement.ts';
import { type TaskRow, toStored } from './tables.ts';
import {
  prepareFindSame,
  prepareFindSameInPlace,
  prepareInsert,
  prepareJournal,
  prepareShare,
  prepareUpdate,
} from './task-statements.ts';

type Changed = { column: (typeof JOURNALED)[number]['column'] | 'removed_at'; old: Value; now: Value };
type Journaled = Changed['column'] | 'source';
type Value = string | number | null;
type Written = Omit<Committed, 'healedIds' | 'setAside'>;

/** Counts and ids of written tasks, and the rowids of unchanged ones. */
export interface Upserted extends Written {
  unchangedRowids: readonly number[];
}

/** A writer of tasks that writes nothing for unchanged ones. Call inside a transaction. */
export interface Upserter {
  /** Fields that never reach the disk. */
  readonly omit: ReadonlySet<OmittableField>;
  /** Inserts or updates by id, with a line in the journal for every field that changed. `now` is UTC text. */
  upsert(source: string, tasks: readonly Task[], now: string): Upserted;
  /** Returns what `upsert` would do. */
  preview(tasks: readonly Task[]): Written;
  /** Writes one line of the journal: this field of this task changed. `now` is UTC text. */
  journal(taskId: string, field: Journaled, oldValue: Value, newValue: Value, now: string): void;
}

/** Creates an upserter. `omit`: fields that must not reach the disk, nor their old values the journal. */
export function createUpserter(db: Database.Database, omit: ReadonlySet<OmittableField>): Upserter {
  const find = prepare<{ id: string }, TaskRow>(db, (q, p) =>
    q.selectFrom('tasks').selectAll().where('id', '=', p('id')),
  );
  const findSame = prepareFindSame(db);
  const findSameInPlace = prepareFindSameInPlace(db);
  const insert = prepareInsert(db);
  const update = prepareUpdate(db);
  const journal = prepareJournal(db);
  const share = prepareShare(db);
  const keepAgain = prepareKeepAgain(db, omit);
  const silent = new Set<string>(columnsOf(omit));
  const nothing: { [Name in OmittableField]?: null } = Object.fromEntries(
    [...omit].map((name) => [name, null]),
  );
  const keptOf = (task: Task): Task => (omit.size === 0 ? task : { ...task, ...nothing });

  const writeJournal: Upserter['journal'] = (taskId, field, oldValue, newValue, now) => {
    if (silent.has(field)) return;
    journal.run({
      task_id: taskId,
      field,
      old_value: asText(oldValue),
      new_value: asText(newValue),
      observed_at: now,
    });
  };

  /** Inserts a task; returns false, and writes nothing, if it exists. */
  const insertNew = (source: string, task: Task, now: string): boolean => {
    // Named one by one: V8 has no fast path for a second spread, and a backfill comes here with every row.
    const { error_group, queue_ms, run_ms } = derive(task);
    return (
      insert.run({
        ...task,
        error_group,
        queue_ms,
        run_ms,
        source,
        first_seen_at: now,
        changed_at: now,
        removed_at: null,
      }) === 1
    );
  };

  /** Finds the equal task by its id: another source may hold it. */
  const findSameAnywhere = (task: Task, source: string): { rowid: number } | undefined => {
    const same = findSame.get(task);
    if (same !== undefined && same.source !== source) share.run({ task_id: task.id, source });
    return same;
  };

  // In a backfill nearly every task is new, in a full run hardly any: expect the next to be like the last.
  let expectsNew = false;
  const upsertOne = (
    { source, now, unchangedRowids }: { source: string; now: string; unchangedRowids: number[] },
    shown: Task,
  ): keyof UpsertCounts => {
    const task = keptOf(shown);
    if (expectsNew && insertNew(source, task, now)) return 'inserted';
    expectsNew = false;
    const same = findSameInPlace.get({ ...task, source }) ?? findSameAnywhere(task, source);
    if (same !== undefined) {
      unchangedRowids.push(same.rowid);
      return 'unchanged';
    }
    const stored = find.get({ id: task.id });
    if (stored === undefined) {
      expectsNew = true;
      insertNew(source, task, now);
      return 'inserted';
    }
    update.run({ ...task, ...derive(task), source, changed_at: now });
    for (const change of changesOf(stored, task))
      writeJournal(task.id, change.column, change.old, change.now, now);
    if (stored.source !== source) {
      if (stored.removed_at === null) share.run({ task_id: task.id, source });
      else writeJournal(task.id, 'source', stored.source, source, now);
    }
    return 'updated';
  };

  const previewOne = (task: Task): keyof UpsertCounts => {
    if (findSame.get(keptOf(task)) !== undefined) return 'unchanged';
    return find.get({ id: task.id }) === undefined ? 'inserted' : 'updated';
  };

  return {
    omit,
    upsert(source, tasks, now) {
      keepAgain();
      const unchangedRowids: number[] = [];
      // Known tasks are found by their place in the list, so they stay in the list's order.
      const written = tally(expectsNew ? byId(tasks) : tasks, (task) =>
        upsertOne({ source, now, unchangedRowids }, task),
      );
      return { ...written, unchangedRowids };
    },
    preview: (tasks) => tally(tasks, previewOne),
    journal: writeJournal,
  };
}

/**
 * Sorts by id: index neighbours are written together. Versions of one task keep their order: the last stays.
 */
function byId(tasks: readonly Task[]): Task[] {
  return tasks.toSorted((a, b) => (a.id === b.id ? 0 : a.id < b.id ? -1 : 1));
}

function tally(tasks: readonly Task[], fate: (task: Task) => keyof UpsertCounts): Written {
  const ids: Record<keyof UpsertCounts, string[]> = { inserted: [], updated: [], unchanged: [] };
  for (const task of tasks) ids[fate(task)].push(task.id);
  return {
    inserted: ids.inserted.length,
    updated: ids.updated.length,
    unchanged: ids.unchanged.length,
    insertedIds: ids.inserted,
    updatedIds: ids.updated,
  };
}

/** Returns the changed fields, removed_at too if a removed row comes back: it becomes null again. */
function changesOf(stored: TaskRow, task: Task): Changed[] {
  const changes = JOURNALED.map(({ name, column }): Changed => ({
    column,
    old: stored[column],
    now: toStored(task[name]),
  }));
  return [...changes, { column: 'removed_at' as const, old: stored.removed_at, now: null }].filter(
    (change) => change.old !== change.now,
  );
}

function asText(value: Value): string | null {
  return value === null ? null : String(value);
}
