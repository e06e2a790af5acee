import { utcText } from '../model/task.ts';
import { type Ask, type Scope, tasksOf } from './ask.ts';
import { type Measure, selectList } from './measure.ts';
import type { Value } from './report.ts';
import { type Piece, periodsOf, type Span, spansOf, type Unit, zoneOf } from '../model/zone.ts';

/** The index by which the tasks of a piece are found (src/store/sqlite/reader-indexes.ts). */
const INDEX = 'reader_by_created_at';

/** A local day or hour, with the measures of the tasks that were created in it. */
export interface Measured {
  label: string;
  values: readonly Value[];
}

/**
 * The measures of each local day or hour of a scope, in order, those without tasks too: from `since`, or the mirror's
 * first task if that is later, to `until`, or else to now or the newest task. Throws UsageError for an unknown zone,
 * and for a period of too many pieces.
 */
export function measurePeriods(
  ask: Ask,
  scope: Scope,
  unit: Unit,
  measures: readonly Measure[],
): readonly Measured[] {
  const zone = zoneOf(scope.timezone);
  const period = periodOf(ask, scope);
  if (period === null || period.from >= period.until) return [];
  const spans = spansOf(zone, period.from, period.until);
  const pieces = periodsOf(spans, unit);
  return hasIndex(ask)
    ? measureEach(ask, scope, pieces, measures)
    : measureTogether(ask, scope, { spans, pieces, unit }, measures);
}

function periodOf(ask: Ask, scope: Scope): { from: number; until: number } | null {
  // Each is one look into the index; min and max in one select are a pass over all of it.
  const [first, last] =
    ask(
      `select (select min(created_at) from tasks where removed_at is null),
        (select max(created_at) from tasks where removed_at is null)`,
      {},
    )[0] ?? [];
  if (typeof first !== 'string' || typeof last !== 'string') return null;
  const from = Math.max(Date.parse(first), scope.since === null ? -Infinity : Date.parse(scope.since));
  const until = scope.until === null ? Math.max(scope.now, Date.parse(last) + 1) : Date.parse(scope.until);
  return { from, until };
}

function hasIndex(ask: Ask): boolean {
  return ask(`select 1 from pragma_index_list('tasks') where name = :name`, { name: INDEX }).length > 0;
}

/** One look into the index for each piece: no sorting, which is what costs most of the time. */
function measureEach(
  ask: Ask,
  scope: Scope,
  pieces: readonly Piece[],
  measures: readonly Measure[],
): Measured[] {
  const { where, parameters } = tasksOf(
    { user: scope.user, status: scope.status },
    'created_at >= piece.since',
    'created_at < piece.until',
  );
  // Materialized: json_each would read the whole list anew for each piece.
  const rows = ask(
    `with piece as materialized (
      select key, value ->> 0 as since, value ->> 1 as until from json_each(:pieces)
    )
    select (select json_array(${selectList(measures)}) from tasks where ${where}) from piece order by key`,
    { ...parameters, pieces: JSON.stringify(pieces.map(({ from, until }) => [from, until])) },
  );
  return pieces.map(({ label }, index) => ({
    label,
    values: JSON.parse(String(rows[index]?.[0])) as Value[],
  }));
}

/** One pass over all tasks: without the index, a look for each piece would be a pass for each. */
function measureTogether(
  ask: Ask,
  scope: Scope,
  { spans, pieces, unit }: { spans: readonly Span[]; pieces: readonly Piece[]; unit: Unit },
  measures: readonly Measure[],
): Measured[] {
  const { where, parameters } = tasksOf(scope);
  const format = unit === 'day' ? '%Y-%m-%d' : '%Y-%m-%dT%H';
  const label = `strftime('${format}', created_at, ${offsetAt(spans)})`;
  const rows = ask(
    `select ${label} as label, ${selectList(measures)} from tasks where ${where} group by label`,
    parameters,
  );
  const measured = new Map(rows.map(([name, ...values]) => [name, values]));
  const nothing = ask(`select ${selectList(measures)} from tasks where false`, {})[0] ?? [];
  return pieces.map(({ label: name }) => ({ label: name, values: measured.get(name) ?? nothing }));
}

/** The modifier that makes created_at local time. */
function offsetAt(spans: readonly Span[]): string {
  const cases = spans
    .toReversed()
    .map(({ from, offset }) => `when created_at >= '${utcText(from)}' then '${offset / 1_000} seconds'`);
  return `case ${cases.join(' ')} end`;
}
