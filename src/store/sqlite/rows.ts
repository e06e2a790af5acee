import type Database from 'better-sqlite3';
import { type QueryCreator, sql } from 'kysely';
import type { OpenTask } from '../store.ts';
import { OPEN_STATUSES, utcText } from '../../model/task.ts';
import { edgeText } from '../sql/edge.ts';
import { LOOKED_AFTER_MS } from '../sql/looked-after.ts';
import { prepareNumbered } from './numbered.ts';
import type { prepareQueries } from './queries.ts';
import { prepare } from './statement.ts';
import type { Tables, TaskRow } from './tables.ts';
import type { Upserter } from './upsert.ts';

/**
 * The live rows of one source: those that it holds, and those that it shows while another source holds them.
 * If there are none of the latter, they cost one look into an empty index. Activities in ms, `now` as UTC
 * text.
 */
export interface Rows {
  /** Counts those above an activity, up to `atMost`; negative: all. */
  countAbove(activity: number, atMost: number): number;
  /** Returns the newest first. */
  openTasks(): OpenTask[];
  /** Remembers which of these tasks, shown by this source, another source holds without a note of that. */
  seeShown(ids: readonly string[]): void;
  /** Writes those notes: a run that finds nothing to commit also shows tasks. Call inside a transaction. */
  noteShown(): void;
  /** Returns the `ids` that {@link Rows.remove} would mark as removed. */
  removable(ids: readonly string[], now: string): string[];
  /**
   * Hands over rows that another source also shows, marks the rest as removed, and forgets that this source
   * shows rows of others. Returns how many it marked. Call inside a transaction.
   */
  remove(ids: readonly string[], now: string): number;
}

export function rowsOf(
  db: Database.Database,
  source: string,
  { held, upserter }: { held: ReturnType<typeof prepareQueries>; upserter: Upserter },
): Rows {
  const shared = prepareShared(db);
  const numbered = prepareNumbered(db);
  const shown = new Set<string>();
  const sharesSome = (): boolean => shared.any.get({ source }) !== undefined;
  /** Returns the sources that would take over a task of this one. */
  const lookedAfter = (now: string): ReadonlySet<string> => {
    const since = utcText(Date.parse(now) - LOOKED_AFTER_MS);
    return new Set(shared.lookedAfter.all({ source, since }).map(({ name }) => name));
  };
  const heirOf = (id: string, among: ReadonlySet<string>): string | undefined =>
    among.size === 0 ? undefined : shared.showing.all({ id }).find((row) => among.has(row.source))?.source;

  return {
    countAbove(activity, atMost) {
      const above = { source, activity: edgeText(activity), atMost };
      const own = held.countAbove.get(above)?.count ?? 0;
      if (own === atMost || !sharesSome()) return own;
      const isAll = activity === -Infinity && atMost < 0;
      const rest = isAll
        ? shared.count.get({ source })
        : shared.countAbove.get({ ...above, atMost: atMost < 0 ? atMost : atMost - own });
      return own + (rest?.count ?? 0);
    },

    openTasks() {
      const own = held.openTasks.all({ source });
      const rows = sharesSome() ? [...own, ...shared.openTasks.all({ source })] : own;
      return rows
        .map((row) => ({ id: row.id, activity: Date.parse(row.last_activity_at) }))
        .toSorted((a, b) => b.activity - a.activity);
    },

    seeShown(ids) {
      if (shared.anyOther.get({ source }) === undefined) return;
      for (const { id } of shared.unnoted.all({ source, ids: JSON.stringify(ids) })) shown.add(id);
    },

    noteShown() {
      if (shown.size > 0) shared.note.run({ source, ids: JSON.stringify([...shown]) });
      shown.clear();
    },

    removable(ids, now) {
      const among = lookedAfter(now);
      return ids.filter(
        (id) => shared.held.get({ source, id }) !== undefined && heirOf(id, among) === undefined,
      );
    },

    remove(ids, now) {
      const among = lookedAfter(now);
      return numbered((counter) => {
        let removed = 0;
        for (const id of ids) {
          const heir = heirOf(id, among);
          const seq = counter.seq + 1;
          if (heir !== undefined && shared.handOver.run({ source, id, heir, now, seq }) === 1) {
            counter.seq = seq;
            upserter.journal(id, { column: 'source', old: source, now: heir }, { seq, now });
          } else if (held.markRemoved.run({ source, id, now, seq }) === 1) {
            counter.seq = seq;
            shared.forgetAll.run({ id });
            upserter.journal(id, { column: 'removed_at', old: null, now }, { seq, now });
            removed += 1;
          } else {
            shared.forget.run({ source, id });
          }
        }
        return removed;
      });
    },
  };
}

/** Reads tasks that other sources hold, by an index of theirs. */
const throughIndex = (name: string) => sql<TaskRow>`tasks`.as<'tasks'>(sql.raw(`tasks indexed by ${name}`));

/** Selects live tasks among `ids`, JSON text, of another source without a note that this one shows them. */
function unnotedOf(query: QueryCreator<Tables>, p: (name: 'source' | 'ids') => string) {
  return query
    .selectFrom(sql<{ value: string }>`json_each(${p('ids')})`.as('shown'))
    .innerJoin('tasks', 'tasks.id', 'shown.value')
    .leftJoin('also_shown', (join) =>
      join.onRef('also_shown.task_id', '=', 'tasks.id').on('also_shown.source', '=', p('source')),
    )
    .where('tasks.source', '<>', p('source'))
    .where('tasks.removed_at', 'is', null)
    .where('also_shown.task_id', 'is', null);
}

function prepareShared(db: Database.Database) {
  return {
    any: prepare<{ source: string }, { task_id: string }>(db, (q, p) =>
      q.selectFrom('also_shown').select('task_id').where('source', '=', p('source')).limit(1),
    ),
    count: prepare<{ source: string }, { count: number }>(db, (q, p) =>
      q
        .selectFrom('also_shown')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('source', '=', p('source')),
    ),
    countAbove: prepare<{ source: string; activity: string; atMost: number }, { count: number }>(db, (q, p) =>
      q
        .selectFrom(
          q
            .selectFrom('sources')
            // Source by source: else SQLite would read tasks of all times (lang_select.html, "cross join").
            .crossJoin(throughIndex('tasks_by_activity'))
            .innerJoin('also_shown', 'also_shown.task_id', 'tasks.id')
            .select('tasks.id')
            .where('sources.name', '<>', p('source'))
            .whereRef('tasks.source', '=', 'sources.name')
            .where('also_shown.source', '=', p('source'))
            .where('tasks.removed_at', 'is', null)
            .where('tasks.last_activity_at', '>', p('activity'))
            .limit(p('atMost'))
            .as('above'),
        )
        .select((eb) => eb.fn.countAll<number>().as('count')),
    ),
    openTasks: prepare<{ source: string }, { id: string; last_activity_at: string }>(db, (q, p) =>
      q
        .selectFrom(throughIndex('tasks_open'))
        .innerJoin('also_shown', 'also_shown.task_id', 'tasks.id')
        .select(['tasks.id', 'tasks.last_activity_at'])
        .where('also_shown.source', '=', p('source'))
        .where('tasks.removed_at', 'is', null)
        // Literals, as for the source's own.
        .where(
          'tasks.status',
          'in',
          OPEN_STATUSES.map((status) => sql.lit(status)),
        ),
    ),
    anyOther: prepare<{ source: string }, { name: string }>(db, (q, p) =>
      q.selectFrom('sources').select('name').where('name', '<>', p('source')).limit(1),
    ),
    unnoted: prepare<{ source: string; ids: string }, { id: string }>(db, (q, p) =>
      unnotedOf(q, p).select('tasks.id'),
    ),
    note: prepare<{ source: string; ids: string }, never>(db, (q, p) =>
      q
        .insertInto('also_shown')
        .columns(['task_id', 'source'])
        .expression(unnotedOf(q, p).select(['tasks.id', sql<string>`${p('source')}`.as('source')])),
    ),
    held: prepare<{ source: string; id: string }, { id: string }>(db, (q, p) =>
      q
        .selectFrom('tasks')
        .select('id')
        .where('id', '=', p('id'))
        .where('source', '=', p('source'))
        .where('removed_at', 'is', null),
    ),
    showing: prepare<{ id: string }, { source: string }>(db, (q, p) =>
      q.selectFrom('also_shown').select('source').where('task_id', '=', p('id')).orderBy('source'),
    ),
    // A trigger then deletes the note that the heir shows the task.
    handOver: prepare<{ source: string; id: string; heir: string; now: string; seq: number }, never>(
      db,
      (q, p) =>
        q
          .updateTable('tasks')
          .set({ source: p('heir'), changed_at: p('now'), seq: p('seq') })
          .where('id', '=', p('id'))
          .where('source', '=', p('source'))
          .where('removed_at', 'is', null),
    ),
    forget: prepare<{ source: string; id: string }, never>(db, (q, p) =>
      q.deleteFrom('also_shown').where('task_id', '=', p('id')).where('source', '=', p('source')),
    ),
    // Only live tasks are shown: also delete the notes of sources passed over as heirs.
    forgetAll: prepare<{ id: string }, never>(db, (q, p) =>
      q.deleteFrom('also_shown').where('task_id', '=', p('id')),
    ),
    lookedAfter: prepare<{ source: string; since: string }, { name: string }>(db, (q, p) =>
      q
        .selectFrom('sources')
        .select('name')
        .where('name', '<>', p('source'))
        .where(
          (eb) =>
            eb
              .selectFrom('sync_runs')
              .select('sync_runs.started_at')
              .whereRef('sync_runs.source', '=', 'sources.name')
              .orderBy('sync_runs.id', 'desc')
              .limit(1),
          '>',
          p('since'),
        ),
    ),
  };
}
