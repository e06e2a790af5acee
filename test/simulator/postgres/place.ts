import type { connect, Database } from '../../../src/store/postgres/connection.ts';
import { decodeNul } from '../../../src/store/postgres/nul.ts';
import { stateOf, type StateRow, stateSql } from '../../../src/store/postgres/source-state.ts';
import type { openStoreOn } from '../../../src/store/postgres/store.ts';
import { type StoredTask, toTask } from '../../../src/store/postgres/stored-task.ts';
import type { PostgresTarget } from '../../../src/store/postgres/target.ts';
import { createSimulatedTime } from '../clock.ts';
import type { Inspector, Place, Row } from '../place.ts';

/** The part of the store that a place needs: the real one, or one with a fault. */
export interface PostgresParts {
  connect: typeof connect;
  openStoreOn: typeof openStoreOn;
}

/** All tables of a mirror, each before those that it refers to. */
const TABLES = [
  'also_shown',
  'task_changes',
  'rejected_rows',
  'sync_runs',
  'gaps',
  'leases',
  'tasks',
  'sources',
  'omitted_fields',
  'retention_state',
];

/**
 * Creates a place in a schema of its own, which `close` drops. It is made once and emptied for each history.
 * The indexes for readers stay, since to make them takes longer than a history.
 */
export async function createPostgresPlace(target: PostgresTarget, parts: PostgresParts): Promise<Place> {
  const { schema } = target;
  const s = `"${schema}".`;
  // All processes share the connections: to make some for each takes longer than what it does with them.
  const db = parts.connect(target, { max: 8 });
  const lent: Database = { ...db, end: async () => {} };
  const open: Place['open'] = (clock) =>
    parts.openStoreOn(lent, schema, {
      create: true,
      clock,
      omit: new Set(),
      leaseOffset: () => Math.round(clock.now()),
    });
  await makeIndexes(open);
  const tables = TABLES.map((name) => s + name);
  return {
    async reset() {
      // To truncate them all takes ten times as long.
      await db.query(tables.map((table) => `delete from ${table}`).join('; '));
      return inspectorOf(db, s, tables);
    },
    open,
    async clear() {},
    async close() {
      await db.query(`drop schema "${schema}" cascade`);
      await db.end();
    },
  };
}

async function makeIndexes(open: Place['open']): Promise<void> {
  const store = await open(createSimulatedTime(0).clockFor(() => false));
  const claim = await store.claim({ name: 'first', baseUrl: 'http://127.0.0.1' });
  await claim.prepareForReaders(new AbortController().signal);
  await claim.release();
}

type StoredRow = StoredTask & { source: string; removed_at: string | null };

function inspectorOf({ query }: Database, s: string, tables: readonly string[]): Inspector {
  return {
    async rows(ids) {
      const rows =
        ids === undefined
          ? await query<StoredRow>(`select * from ${s}tasks`)
          : await query<StoredRow>(`select * from ${s}tasks where id = any ($1::text[])`, [ids]);
      return rows.map(toRow);
    },
    async source(name) {
      const [row] = await query<StateRow & { rejections: string[] | null }>(
        `select state.*, (select array_agg(row_key) from ${s}rejected_rows where source = $1) as rejections
        from (${stateSql(s, '$1')}) as state`,
        [name],
      );
      if (row === undefined) return null;
      const { ledger, total, learnedOverlapMs } = stateOf(row);
      return { ledger, total, learnedOverlapMs, rejections: new Set((row.rejections ?? []).map(decodeNul)) };
    },
    async completeThrough(name) {
      const [row] = await query<{ complete_through: string | null }>(
        `select complete_through from ${s}mirror_status where source = $1`,
        [name],
      );
      return row === undefined || row.complete_through === null ? null : Date.parse(row.complete_through);
    },
    async fingerprint() {
      const texts = tables.map(
        (table) => `(select string_agg(t::text, ';' order by t::text) from ${table} t)`,
      );
      const [row] = await query<{ print: string }>(
        `select md5(concat_ws('|', ${texts.join(', ')})) as print`,
      );
      return row?.print ?? '';
    },
    damage: () => damageOf(query, s),
  };
}

function toRow(row: StoredRow): Row {
  return { task: toTask(row), source: row.source, isLive: row.removed_at === null };
}

async function damageOf(query: Database['query'], s: string): Promise<string[]> {
  const rows = await query<{ what: string }>(
    `select 'run ' || id || ' has no end' as what from ${s}sync_runs where finished_at is null
    union all
    select task_id || ' is noted as shown by ' || a.source || ' and is removed, or held by it'
    from ${s}also_shown a join ${s}tasks t on t.id = a.task_id
    where t.removed_at is not null or t.source = a.source
    union all
    select 'the lease of ' || source || ' was not given back' from ${s}leases where token is not null`,
  );
  return rows.map(({ what }) => what);
}
