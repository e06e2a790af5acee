import { LEASE_MS } from '../../model/lease.ts';
import type { LastRuns } from '../../model/run.ts';
import type { Holder } from '../sql/holder.ts';
import { lastRunsSql, type LastRunsRow, toLastRuns } from '../sql/last-runs.ts';
import { type RunRow, type StatusRow, toRunSummary, toSourceStatus } from '../sql/status-rows.ts';
import type { LeaseHolder, MirrorReader, RunSummary, SourceStatus } from '../store.ts';
import type { Database } from './connection.ts';
import { deadToken, type LeaseRow } from './lease.ts';
import { leftoversOf } from './leftovers.ts';
import { decodeNul } from './nul.ts';
import { utcSql } from './names.ts';
import { retentionState } from './retention.ts';

interface ReadRow extends StatusRow {
  lowers: (string | null)[] | null;
  uppers: string[] | null;
  holders: string[] | null;
  held: number[] | null;
  token: string | null;
  pid: number | null;
  host: string | null;
  acquired_at: string | null;
}

export interface ReaderDeps {
  db: Database;
  /** The quoted name of the schema with a dot. */
  s: string;
  /** This process: it knows which processes of its host are dead. */
  holder: Holder;
  /** The ms by which the leases' clock is ahead of the database's: for tests. */
  offset?: (() => number) | undefined;
}

/** Returns the questions about a mirror, on a database that {@link assertVersion} has accepted. */
export function readerOf(deps: ReaderDeps): MirrorReader {
  const { db, s } = deps;
  return {
    status: () => readStatus(deps),
    recentRuns: (limit) => readRuns(db, s, limit),
    retention: () => retentionState(db.query, s),
    leftovers: (fields) => leftoversOf(db, s, fields),
    close: () => db.end(),
  };
}

/** Returns SQL for what other sources hold of the tasks that a source shows, in the order of their names. */
const shared = (column: string): string =>
  `(select array_agg(${column} order by holder) from shared where shared.source = m.source)`;

/** One statement: all of it as of the same moment. */
async function readStatus({ db, s, holder, offset = () => 0 }: ReaderDeps): Promise<SourceStatus[]> {
  const edges = (edge: string): string =>
    `(select array_agg(${utcSql(edge)} order by g.upper desc) from ${s}gaps g where g.source = m.source)`;
  const rows = await db.query<ReadRow>(
    `with shared as (
      select a.source, t.source as holder, count(*) as rows
      from ${s}also_shown a join ${s}tasks t on t.id = a.task_id group by 1, 2
    )
    select m.*, ${edges('g.lower')} as lowers, ${edges('g.upper')} as uppers,
      ${shared('holder')} as holders, ${shared('rows::int')} as held, l.token, l.pid, l.host, l.acquired_at
    from ${s}mirror_status m left join ${s}leases l on l.source = m.source and l.token is not null
      and abs(extract(epoch from clock_timestamp() + $1::bigint * interval '1 ms' - l.renewed_at)) * 1000 <= $2::bigint
    order by source`,
    [offset(), LEASE_MS],
  );
  return rows.map((row) => statusOf(row, holder));
}

/** Returns how the newest runs of a source ended. */
export async function readLastRuns(db: Database, s: string, source: string): Promise<LastRuns> {
  const [row] = await db.query<LastRunsRow>(lastRunsSql(`${s}sync_runs`, '$1'), [source]);
  return toLastRuns(row);
}

async function readRuns(db: Database, s: string, limit: number): Promise<RunSummary[]> {
  const rows = await db.query<RunRow>(`select * from ${s}sync_runs order by id desc limit $1`, [limit]);
  return rows.map(({ error, ...row }) =>
    toRunSummary({ ...row, error: error === null ? null : decodeNul(error) }),
  );
}

function holderOf(row: LeaseRow, reader: Holder): LeaseHolder | null {
  const { pid, host, acquired_at: since } = row;
  if (pid === null || host === null || since === null) return null;
  return deadToken(row, reader) === null ? { pid, host, since } : null;
}

function statusOf(row: ReadRow, reader: Holder): SourceStatus {
  return toSourceStatus(row, {
    gaps: (row.uppers ?? []).map((upper, at) => ({ lower: row.lowers?.[at] ?? null, upper })),
    heldBy: (row.holders ?? []).map((source, at) => ({ source, rows: row.held?.[at] ?? 0 })),
    holder: holderOf(row, reader),
  });
}
