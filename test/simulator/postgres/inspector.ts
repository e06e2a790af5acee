import type { Feed } from '../../../src/store/feed.ts';
import type { Database } from '../../../src/store/postgres/connection.ts';
import { decodeNul } from '../../../src/store/postgres/nul.ts';
import { stateOf, type StateRow, stateSql } from '../../../src/store/postgres/source-state.ts';
import { type StoredTask, toTask } from '../../../src/store/postgres/stored-task.ts';
import { type Inspector, type Row, rowOf } from '../place.ts';

/** All tables of a mirror, each before those that it refers to. */
export const TABLES = [
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

type StoredRow = StoredTask & { source: string; removed_at: string | null; seq: number };

/** Looks at the mirror in this schema, as another program would; without a feed, at no changes. */
export function inspectorOf({ query }: Pick<Database, 'query'>, schema: string, feed?: Feed): Inspector {
  const s = `"${schema}".`;
  return {
    async rows(ids) {
      const rows =
        ids === undefined
          ? await query<StoredRow>(`select * from ${s}tasks`)
          : await query<StoredRow>(`select * from ${s}tasks where id = any ($1::text[])`, [ids]);
      return rows.map(toRow);
    },
    changes: async (since, limit) => ((await feed?.read({ since, limit })) ?? []).map(rowOf),
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
      const texts = TABLES.map(
        (name) => `(select string_agg(t::text, ';' order by t::text) from ${s}${name} t)`,
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
  return { task: toTask(row), source: row.source, isLive: row.removed_at === null, seq: row.seq };
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
