import type Database from 'better-sqlite3';
import type { Committed, UpsertCounts } from '../store.ts';
import type { OmittableField, Task } from '../../model/task.ts';
import { columnsOf, derive, JOURNALED } from '../sql/columns.ts';
import { type Counter, prepareNumbered } from './numbered.ts';
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

/** A column that changed, with its old and its new value. */
interface Changed {
  column: (typeof JOURNALED)[number]['column'] | 'removed_at' | 'source';
  old: Value;
  now: Value;
}
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
  /** Writes a line of the journal, of the task's change with the number `seq`. `now` is UTC text. */
  journal(taskId: string, changed: Changed, at: { seq: number; now: string }): void;
}

/** What the upserts of one transaction share. */
interface Upserting {
  source: string;
  now: string;
  counter: Counter;
  unchangedRowids: number[];
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
  const numbered = prepareNumbered(db);
  const keepAgain = prepareKeepAgain(db, omit);
  const silent = new Set<string>(columnsOf(omit));
  const nothing: { [Name in OmittableField]?: null } = Object.fromEntries(
    [...omit].map((name) => [name, null]),
  );
  const keptOf = (task: Task): Task => (omit.size === 0 ? task : { ...task, ...nothing });

  const writeJournal: Upserter['journal'] = (taskId, changed, { seq, now }) => {
    journal.run({
      task_id: taskId,
      field: changed.column,
      old_value: asText(changed.old),
      new_value: asText(changed.now),
      observed_at: now,
      seq,
    });
  };

  /** Inserts a task; returns false, and writes nothing, if it exists. */
  const insertNew = ({ source, now, counter }: Upserting, task: Task): boolean => {
    // Named one by one: V8 has no fast path for a second spread, and a backfill comes here with every row.
    const { error_group, queue_ms, run_ms } = derive(task);
    const seq = counter.seq + 1;
    const isNew = insert.run({ ...task, error_group, queue_ms, run_ms, source, now, seq }) === 1;
    if (isNew) counter.seq = seq;
    return isNew;
  };

  /** Updates a task that differs from the stored one, and journals how. */
  const updateStored = ({ source, now, counter }: Upserting, stored: TaskRow, task: Task): void => {
    const changes = changesOf(stored, task).filter(({ column }) => !silent.has(column));
    // If only omitted fields go, this is their clearing, which is no change of the task.
    const seq = changes.length === 0 ? stored.seq : (counter.seq += 1);
    update.run({ ...task, ...derive(task), source, changed_at: now, seq });
    for (const change of changes) writeJournal(task.id, change, { seq, now });
    if (stored.source === source) return;
    if (stored.removed_at === null) share.run({ task_id: task.id, source });
    else writeJournal(task.id, { column: 'source', old: stored.source, now: source }, { seq, now });
  };

  /** Finds the equal task by its id: another source may hold it. */
  const findSameAnywhere = (task: Task, source: string): { rowid: number } | undefined => {
    const same = findSame.get(task);
    if (same !== undefined && same.source !== source) share.run({ task_id: task.id, source });
    return same;
  };

  // In a backfill nearly every task is new, in a full run hardly any: expect the next to be like the last.
  let expectsNew = false;
  const upsertOne = (upserting: Upserting, shown: Task): keyof UpsertCounts => {
    const { source } = upserting;
    const task = keptOf(shown);
    if (expectsNew && insertNew(upserting, task)) return 'inserted';
    expectsNew = false;
    const same = findSameInPlace.get({ ...task, source }) ?? findSameAnywhere(task, source);
    if (same !== undefined) {
      upserting.unchangedRowids.push(same.rowid);
      return 'unchanged';
    }
    const stored = find.get({ id: task.id });
    if (stored === undefined) {
      expectsNew = true;
      insertNew(upserting, task);
      return 'inserted';
    }
    updateStored(upserting, stored, task);
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
      const ordered = expectsNew ? byId(tasks) : tasks;
      const written = numbered((counter) =>
        tally(ordered, (task) => upsertOne({ source, now, counter, unchangedRowids }, task)),
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
