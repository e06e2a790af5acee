import type Database from 'better-sqlite3';
import { SENT_FIELDS } from '../../model/fields.ts';
import type { OmittableField } from '../../model/task.ts';
import { keyOfPayload } from '../sql/rejection-key.ts';

/** Rows of one step: each holds all that the API sent for it. */
const REJECTIONS_AT_ONCE = 500;

interface Cleared {
  rowid: number;
  source: string;
  row_key: string;
  task_id: string | null;
  payload: string;
  reason: string;
}

/**
 * Deletes these fields from the next rejected rows after the rowid `after`. Returns the last rowid that it
 * read; null if there are no more. Call inside a transaction.
 */
export function clearRejections(
  db: Database.Database,
  { fields, after }: { fields: readonly OmittableField[]; after: number },
): number | null {
  const chunk = 'select rowid from rejected_rows where rowid > ? order by rowid limit ?';
  const through = db
    .prepare<[number, number], number | null>(`select max(rowid) from (${chunk})`)
    .pluck()
    .get(after, REJECTIONS_AT_ONCE);
  if (through === undefined || through === null) return null;
  const held = db
    .prepare<[number, number], Cleared>(withoutFields(fields, 'where r.rowid > ? and r.rowid <= ?'))
    .all(after, through);
  const drop = db.prepare<[string, string, number]>(
    'delete from rejected_rows where source = ? and row_key = ? and rowid <> ?',
  );
  const rewrite = db.prepare<[string, string, string, number]>(
    'update rejected_rows set row_key = ?, payload = ?, reason = ? where rowid = ?',
  );
  for (const { rowid, source, row_key, task_id, payload, reason } of held) {
    // A row without an id is keyed by the hash of its content: two may have differed only in these fields.
    const key = task_id === null ? keyOfPayload(payload) : row_key;
    drop.run(source, key, rowid);
    rewrite.run(key, payload, reason, rowid);
  }
  return through;
}

/** Counts the rejected rows that still hold something of these fields. */
export function countRejectionsWith(db: Database.Database, fields: readonly OmittableField[]): number {
  return (
    db
      .prepare<[], number>(`select count(*) from (${withoutFields(fields)})`)
      .pluck()
      .get() ?? 0
  );
}

/**
 * Returns SQL for the rejected rows that hold something of these fields, as they are without it. SQLite keeps
 * the digits of long numbers. A payload nested too deeply for it to read, or one that is not an object, may
 * hold anything (src/source/http/row.ts).
 */
function withoutFields(fields: readonly OmittableField[], where = ''): string {
  const named = fields.filter((field) => field !== 'extra');
  const kept = fields.includes('extra')
    ? `(select json_group_object(key, json(r.payload -> ('$.' || key))) from json_each(r.payload)
        where key in (${SENT_FIELDS.map(({ name }) => `'${name}'`).join(', ')}))`
    : 'r.payload';
  const removed = ['r.payload', ...named.map((field) => `'$.${field}'`)].join(', ');
  const payload = `case
    when not json_valid(r.payload) then json_object('id', r.task_id)
    when json_type(r.payload) <> 'object' then 'null'
    else json_remove(${removed.replace('r.payload', kept)}) end`;
  // Values in the reason are cut after some characters, so that its parts cannot be told apart for sure.
  const saysIt = named.map((field) => `instr('; ' || r.reason, '; ${field}: ') > 0`).join(' or ') || 'false';
  const reason = `case when ${saysIt} then 'the reason is no longer kept' else r.reason end`;
  return `select * from (
    select r.rowid, r.source, r.row_key, r.task_id, ${payload} as payload, ${reason} as reason,
      r.payload as old_payload, r.reason as old_reason
    from rejected_rows r ${where}
  ) where payload <> old_payload or reason <> old_reason`;
}
