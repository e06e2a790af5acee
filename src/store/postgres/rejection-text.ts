import { SENT_FIELDS } from '../../model/fields.ts';
import type { OmittableField } from '../../model/task.ts';
import { keyOfPayload } from '../sql/rejection-key.ts';
import type { Query } from './connection.ts';
import { decodeNul, encodeNul } from './nul.ts';

/** Rows of one step: each holds all that the API sent for it. */
const REJECTIONS_AT_ONCE = 500;

interface Rejection {
  source: string;
  row_key: string;
  task_id: string | null;
  payload: string;
  reason: string;
}

/**
 * Deletes these fields from the next rejected rows after the key `after`. Returns the last key that it read;
 * null if there are no more. Call inside a transaction.
 */
export async function clearRejections(
  query: Query,
  s: string,
  { fields, after }: { fields: readonly OmittableField[]; after: string },
): Promise<string | null> {
  const [source, key] = after === '' ? ['', ''] : (JSON.parse(after) as [string, string]);
  const rows = await query<Rejection>(
    `select source, row_key, task_id, payload, reason from ${s}rejected_rows
    where (source, row_key) > ($1, $2) order by source, row_key limit ${REJECTIONS_AT_ONCE} for update`,
    [source, key],
  );
  const last = rows.at(-1);
  if (last === undefined) return null;
  for (const row of rows) {
    const kept = withoutFields(row, fields);
    if (kept !== null) await rewrite(query, s, row, kept);
  }
  return JSON.stringify([last.source, last.row_key]);
}

/** Counts the rejected rows that still hold something of these fields. */
export async function countRejectionsWith(
  query: Query,
  s: string,
  fields: readonly OmittableField[],
): Promise<number> {
  let count = 0;
  let at = ['', ''];
  for (;;) {
    const rows = await query<Rejection>(
      `select source, row_key, task_id, payload, reason from ${s}rejected_rows
      where (source, row_key) > ($1, $2) order by source, row_key limit ${REJECTIONS_AT_ONCE}`,
      at,
    );
    const last = rows.at(-1);
    if (last === undefined) return count;
    count += rows.filter((row) => withoutFields(row, fields) !== null).length;
    at = [last.source, last.row_key];
  }
}

/** A row without an id is keyed by the hash of its content: two may have differed only in these fields. */
async function rewrite(
  query: Query,
  s: string,
  { source, row_key, task_id }: Rejection,
  { payload, reason }: Pick<Rejection, 'payload' | 'reason'>,
): Promise<void> {
  const key = task_id === null ? keyOfPayload(payload) : row_key;
  if (key !== row_key) {
    await query(`delete from ${s}rejected_rows where source = $1 and row_key = $2`, [source, key]);
  }
  await query(
    `update ${s}rejected_rows set row_key = $3, payload = $4, reason = $5 where source = $1 and row_key = $2`,
    [source, row_key, key, encodeNul(payload), encodeNul(reason)],
  );
}

/**
 * Returns the payload and the reason without these fields; null if they hold nothing of them. A payload that
 * is not an object may hold anything (src/source/http/row.ts).
 */
function withoutFields(
  row: Rejection,
  fields: readonly OmittableField[],
): Pick<Rejection, 'payload' | 'reason'> | null {
  const before = { payload: decodeNul(row.payload), reason: decodeNul(row.reason) };
  const payload = payloadWithout(before.payload, row.task_id, fields);
  const named = fields.filter((field) => field !== 'extra');
  // Values in the reason are cut after some characters, so that its parts cannot be told apart for sure.
  const saysIt = named.some((field) => `; ${before.reason}`.includes(`; ${field}: `));
  const reason = saysIt ? 'what was wrong with it is not kept any more' : before.reason;
  return payload === before.payload && reason === before.reason ? null : { payload, reason };
}

const SENT: ReadonlySet<string> = new Set(SENT_FIELDS.map(({ name }) => name));

function payloadWithout(payload: string, id: string | null, fields: readonly OmittableField[]): string {
  const omitted = new Set<string>(fields);
  let parsed: unknown;
  try {
    parsed = JSON.parse(payload, keepDigits);
  } catch {
    return JSON.stringify({ id });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return 'null';
  const entries = Object.entries(parsed);
  const kept = entries.filter(([name]) => !omitted.has(SENT.has(name) ? name : 'extra'));
  return kept.length === entries.length ? payload : JSON.stringify(Object.fromEntries(kept));
}

/** Numbers stay as they were written: those beyond 2^53 would lose digits. */
function keepDigits(this: unknown, _key: string, value: unknown, context?: { source: string }): unknown {
  return typeof value === 'number' && context !== undefined ? RAW(context.source) : value;
}

/** github.com/tc39/proposal-json-parse-with-source: in every Node from 22 on, but not in the types yet. */
const RAW = (source: string): unknown =>
  (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source);
