import type { OmittableField } from '../../model/task.ts';
import { columnsOf } from '../sql/columns.ts';
import type { Cleared } from '../store.ts';
import type { Database, Query } from './connection.ts';
import { dropForReaders } from './for-readers.ts';
import type { HeldLease } from './held-lease.ts';
import { clearRejections } from './rejection-text.ts';

/** Rows of one step. */
const ROWS_AT_ONCE = 4_000;
/** Time for vacuuming a table, in ms. */
const VACUUM_MS = 6 * 3_600_000;

/**
 * The parts to clear, in order: the columns of tasks, the journal, the rejected rows. Then vacuum takes the
 * old versions of rows out of the tables.
 */
type Stage = 'tasks' | 'task_changes' | 'rejected_rows' | 'vacuum' | 'cleared';

export interface Clearing {
  db: Database;
  /** The quoted name of the schema with a dot. */
  s: string;
  omit: ReadonlySet<OmittableField>;
  lease: HeldLease;
  /** UTC text. */
  now: () => string;
}

interface Progress {
  stage: Stage;
  /** The last key that this stage has cleared; empty: none. */
  through: string;
  fields: OmittableField[];
}

/**
 * Deletes from the mirror the fields in `omit` that earlier settings let it keep, in durable steps, until
 * `signal` aborts. The database records where a step ends: the next run continues there. Returns the fields
 * that it cleared, and those left to the next run.
 */
export async function clearOmitted(parts: Clearing, signal: AbortSignal): Promise<Cleared> {
  const { db, s, omit, lease } = parts;
  const find = (): Promise<OmittableField[]> => uncleared(db.query, s, [...omit]);
  const before = await find();
  if (before.length === 0 || signal.aborted) return { cleared: [], left: before };
  await lease.step((query) => begin(query, s, [...omit]));
  while (!signal.aborted && (await step(parts)));
  const left = await find();
  return { cleared: before.filter((field) => !left.includes(field)), left };
}

/** Returns the fields of these that are not known to be cleared. */
export async function uncleared(
  query: Query,
  s: string,
  fields: readonly OmittableField[],
): Promise<OmittableField[]> {
  const rows = await query<{ field: string }>(`select field from ${s}omitted_fields where stage = 'cleared'`);
  const cleared = new Set(rows.map(({ field }) => field));
  return fields.filter((field) => !cleared.has(field));
}

/** Begins with the new fields. If others are being cleared, all of them begin again from the first row. */
async function begin(query: Query, s: string, omit: readonly OmittableField[]): Promise<void> {
  await query(`delete from ${s}omitted_fields where field <> all ($1::text[])`, [omit]);
  const added = await query(
    `insert into ${s}omitted_fields (field, stage, through)
    select field, 'tasks', '' from unnest($1::text[]) as field on conflict do nothing returning field`,
    [omit],
  );
  if (added.length === 0) return;
  // The index holds words of the cleared text, and all of this is rebuilt faster than it is kept up to date.
  await dropForReaders(query, s);
  await enter(query, s, { stage: 'tasks', through: '' });
}

/** Does the next step. False: there is none. */
async function step({ db, s, lease, now }: Clearing): Promise<boolean> {
  const at = await progress(db.query, s);
  if (at === null) return false;
  if (at.stage === 'vacuum') {
    await lease.renew();
    // Each alone: it cannot run in a transaction.
    for (const table of ['tasks', 'task_changes', 'rejected_rows']) {
      await db.query(`vacuum ${s}${table}`, [], { timeoutMs: VACUUM_MS });
    }
    await lease.step((query) => leave(query, s));
    return true;
  }
  // Read again under the lock: another source's run may have taken this step meanwhile.
  await lease.step(async (query) => {
    await query(`lock table ${s}omitted_fields in share row exclusive mode`);
    const current = await progress(query, s);
    if (current !== null) await clearNext(query, s, current, now());
  });
  return true;
}

async function clearNext(query: Query, s: string, at: Progress, now: string): Promise<void> {
  switch (at.stage) {
    case 'tasks':
      return clearTasks(query, s, at, now);
    case 'task_changes':
      return clearJournal(query, s, at);
    case 'rejected_rows': {
      const through = await clearRejections(query, s, { fields: at.fields, after: at.through });
      return enter(query, s, through === null ? { stage: 'vacuum', through: '' } : { ...at, through });
    }
    default:
  }
}

async function clearTasks(
  query: Query,
  s: string,
  { through, fields }: Progress,
  now: string,
): Promise<void> {
  const columns = columnsOf(fields);
  const chunk = `select id from ${s}tasks where id > $1 order by id limit ${ROWS_AT_ONCE}`;
  const [end] = await query<{ last: string | null }>(`select max(id) as last from (${chunk}) as chunk`, [
    through,
  ]);
  const last = end?.last ?? null;
  if (last === null) return enter(query, s, { stage: 'task_changes', through: '' });
  await query(
    `update ${s}tasks set ${columns.map((column) => `${column} = null`).join(', ')}, changed_at = $3::timestamptz
    where id > $1 and id <= $2 and (${columns.map((column) => `${column} is not null`).join(' or ')})`,
    [through, last, now],
  );
  await enter(query, s, { stage: 'tasks', through: last });
}

async function clearJournal(query: Query, s: string, { through, fields }: Progress): Promise<void> {
  const after = through === '' ? 0 : Number(through);
  const chunk = `select change_no from ${s}task_changes where change_no > $1 order by change_no limit ${ROWS_AT_ONCE}`;
  const [end] = await query<{ last: number | null }>(
    `select max(change_no) as last from (${chunk}) as chunk`,
    [after],
  );
  const last = end?.last ?? null;
  if (last === null) return enter(query, s, { stage: 'rejected_rows', through: '' });
  await query(
    `delete from ${s}task_changes where change_no > $1 and change_no <= $2 and field = any ($3::text[])`,
    [after, last, columnsOf(fields)],
  );
  await enter(query, s, { stage: 'task_changes', through: String(last) });
}

/** Returns the progress of the fields not cleared yet, which go together; null if there are none. */
async function progress(query: Query, s: string): Promise<Progress | null> {
  const rows = await query<{ field: OmittableField; stage: Stage; through: string }>(
    `select field, stage, through from ${s}omitted_fields where stage <> 'cleared'`,
  );
  const [first] = rows;
  if (first === undefined) return null;
  return { stage: first.stage, through: first.through, fields: rows.map(({ field }) => field) };
}

async function enter(
  query: Query,
  s: string,
  { stage, through }: Pick<Progress, 'stage' | 'through'>,
): Promise<void> {
  await query(`update ${s}omitted_fields set stage = $1, through = $2 where stage <> 'cleared'`, [
    stage,
    through,
  ]);
}

/** Ends the vacuum, which ran outside of a transaction: another process may have added a field meanwhile. */
async function leave(query: Query, s: string): Promise<void> {
  await query(`update ${s}omitted_fields set stage = 'cleared' where stage = 'vacuum'`);
}
