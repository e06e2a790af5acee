import type { Ledger } from '../../model/ledger.ts';
import { OPEN_STATUSES } from '../../model/task.ts';
import { edgeText, parseEdge } from '../sql/edge.ts';
import type { Change, OpenTask, SourceState } from '../store.ts';
import { utcSql } from './names.ts';
import { decodeNul } from './nul.ts';

/** Returns the live rows `t` that the source $1 shows while another source holds them, as FROM and WHERE. */
export const sharedRows = (s: string): string =>
  `${s}also_shown a join ${s}tasks t on t.id = a.task_id where a.source = $1 and t.removed_at is null`;

const OPEN = `status in (${OPEN_STATUSES.map((status) => `'${status}'`).join(', ')})`;

/** Returns the SELECT of the live tasks in an open status that the source $1 shows, newest activity first. */
export function openTasksSql(s: string): string {
  return `select id, last_activity_at from ${s}tasks where source = $1 and removed_at is null and ${OPEN}
    union all
    select t.id, t.last_activity_at from ${sharedRows(s)} and t.${OPEN}
    order by last_activity_at desc`;
}

/** A row of {@link openTasksSql}. */
export interface OpenTaskRow {
  id: string;
  /** UTC text. */
  last_activity_at: string;
}

export function openTaskOf({ id, last_activity_at }: OpenTaskRow): OpenTask {
  return { id: decodeNul(id), activity: Date.parse(last_activity_at) };
}

/** The first moment that this engine and the format of times share: before it PostgreSQL writes BC. */
export const FIRST = '0001-01-01T00:00:00.000Z';

/** Formats an edge of activity (ms) as UTC text that PostgreSQL reads. */
export function edgeOf(ms: number): string {
  const text = edgeText(ms);
  return text < FIRST ? FIRST : text;
}

/** A row of {@link stateSql}; nulls if the source is unknown. */
export interface StateRow {
  watermark: string | null;
  api_total: number | null;
  learned_overlap_ms: number | null;
  total_surplus: number | null;
  lowers: (string | null)[] | null;
  uppers: string[] | null;
}

/** Returns the SELECT of a source's state; no row if the source is unknown. */
export function stateSql(s: string, source: string): string {
  const edges = (edge: string): string =>
    `(select array_agg(${utcSql(edge)} order by upper desc) from ${s}gaps where source = ${source})`;
  return `select ${utcSql('watermark')} as watermark, api_total, learned_overlap_ms, total_surplus,
    ${edges('lower')} as lowers, ${edges('upper')} as uppers
  from ${s}sources where name = ${source}`;
}

export function stateOf(row: StateRow | undefined): SourceState {
  return {
    ledger: {
      watermark: parseEdge(row?.watermark ?? null),
      gaps: (row?.uppers ?? []).map((upper, at) => ({
        lower: parseEdge(row?.lowers?.[at] ?? null),
        upper: Date.parse(upper),
      })),
    },
    total: row?.api_total ?? null,
    learnedOverlapMs: row?.learned_overlap_ms ?? 0,
    surplus: row?.total_surplus ?? null,
  };
}

/** Returns the part of a change that moves the source's state, as `json_to_record` reads it in a commit. */
export function movesOf({ ledger, total, surplus, learnedOverlapMs }: Change): object {
  return {
    ledger: ledger !== undefined,
    watermark: ledger === undefined || ledger.watermark === null ? null : edgeOf(ledger.watermark),
    gaps: (ledger?.gaps ?? []).map(gapOf),
    has_total: total !== undefined,
    total: total ?? null,
    has_surplus: surplus !== undefined,
    surplus: surplus ?? null,
    overlap: learnedOverlapMs ?? null,
  };
}

function gapOf({ lower, upper }: Ledger['gaps'][number]): { lower: string | null; upper: string } {
  return { lower: lower === null ? null : edgeOf(lower), upper: edgeOf(upper) };
}

/**
 * Returns CTEs that move the source's state by the JSON text of {@link movesOf} in `moves`, a placeholder, if the
 * CTE `done` says that the batch is `held` and `whole`.
 */
export function movesCtes(s: string, moves: string): string {
  return `moves as materialized (
    select c.* from json_to_record(${moves}::json) as c(
      ledger boolean, watermark timestamptz, gaps json, has_total boolean, total bigint, has_surplus boolean,
      surplus bigint, overlap bigint
    ) cross join done where done.held and done.whole
  ),
  edges as materialized (
    select g.* from moves cross join json_to_recordset(moves.gaps) as g(lower timestamptz, upper timestamptz)
    where moves.ledger
  ),
  moved as (
    update ${s}sources set
      watermark = case when m.ledger then m.watermark else sources.watermark end,
      api_total = case when m.has_total then m.total else sources.api_total end,
      total_surplus = case when m.has_surplus then m.surplus else sources.total_surplus end,
      learned_overlap_ms = coalesce(m.overlap, sources.learned_overlap_ms)
    from moves m where name = $1 and (m.ledger or m.has_total or m.has_surplus or m.overlap is not null)
  ),
  closed as (
    delete from ${s}gaps g using moves m
    where g.source = $1 and m.ledger and g.upper not in (select upper from edges)
  ),
  opened as (
    insert into ${s}gaps as g (source, lower, upper) select $1, lower, upper from edges
    on conflict (source, upper) do update set lower = excluded.lower where g.lower is distinct from excluded.lower
  )`;
}
