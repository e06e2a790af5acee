import type Database from 'better-sqlite3';
import type { RejectedRow } from '../../model/task.ts';
import { type Task, utcText } from '../../model/task.ts';
import { keyOfPayload } from '../sql/rejection-key.ts';
import { prepare } from './statement.ts';

/** The rejected rows of one source. Call inside a transaction. */
export interface Rejections {
  /** Keeps a row, only once however often it comes, and returns its key. `now` is UTC text. */
  reject(row: RejectedRow, now: string): string;
  /** Drops those whose task is good again, and returns their ids. */
  heal(tasks: readonly Task[]): string[];
}

export function rejectionsOf(db: Database.Database, source: string): Rejections {
  const queries = prepareQueries(db);
  return {
    reject(row, now) {
      const row_key = row.id ?? keyOfPayload(row.payload);
      const { id: task_id, payload, reason, activity } = row;
      const last_activity_at = activity === undefined || activity === null ? null : utcText(activity);
      queries.reject.run({ source, row_key, task_id, payload, reason, now, last_activity_at });
      return row_key;
    },
    heal(tasks) {
      if (queries.anyRejected.get({ source }) === undefined) return [];
      return tasks.map(({ id }) => id).filter((id) => queries.heal.run({ source, task_id: id }) > 0);
    },
  };
}

function prepareQueries(db: Database.Database) {
  return {
    anyRejected: prepare<{ source: string }, { row_key: string }>(db, (q, p) =>
      q.selectFrom('rejected_rows').select('row_key').where('source', '=', p('source')).limit(1),
    ),
    heal: prepare<{ source: string; task_id: string }, never>(db, (q, p) =>
      q.deleteFrom('rejected_rows').where('source', '=', p('source')).where('task_id', '=', p('task_id')),
    ),
    reject: prepare<
      {
        source: string;
        row_key: string;
        task_id: string | null;
        payload: string;
        reason: string;
        now: string;
        last_activity_at: string | null;
      },
      never
    >(db, (q, p) =>
      q
        .insertInto('rejected_rows')
        .values({
          source: p('source'),
          row_key: p('row_key'),
          task_id: p('task_id'),
          payload: p('payload'),
          reason: p('reason'),
          first_rejected_at: p('now'),
          last_rejected_at: p('now'),
          last_activity_at: p('last_activity_at'),
        })
        .onConflict((conflict) =>
          conflict.columns(['source', 'row_key']).doUpdateSet((eb) => ({
            payload: eb.ref('excluded.payload'),
            reason: eb.ref('excluded.reason'),
            last_rejected_at: eb.ref('excluded.last_rejected_at'),
            last_activity_at: eb.fn.coalesce('excluded.last_activity_at', 'rejected_rows.last_activity_at'),
          })),
        ),
    ),
  };
}
