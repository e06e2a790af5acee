import { periodsOf, spansOf, type Unit, zoneOf } from '../model/zone.ts';
import { type Asked, type Scope, tasksOf } from './ask.ts';
import { type Measure, selectList } from './measure.ts';
import type { Value } from './report.ts';

/** A local day or hour, with the measures of the tasks that were created in it. */
export interface Measured {
  label: string;
  values: readonly Value[];
}

/**
 * Measures each local day or hour of a scope, in order, also those without tasks: from `since`, or the
 * mirror's first task if that is later, to `until`, or else to now or the newest task. Throws UsageError for
 * an unknown zone, and for a period of too many pieces.
 */
export async function measurePeriods(
  { ask, dialect }: Asked,
  scope: Scope,
  unit: Unit,
  measures: readonly Measure[],
): Promise<readonly Measured[]> {
  const zone = zoneOf(scope.timezone);
  const period = await periodOf({ ask, dialect }, scope);
  if (period === null || period.from >= period.until) return [];
  const spans = spansOf(zone, period.from, period.until);
  const pieces = periodsOf(spans, unit);
  const values = await dialect.measurePieces(ask, {
    filter: tasksOf({ user: scope.user, status: scope.status }),
    measures: selectList(dialect, measures),
    pieces,
    spans,
    unit,
  });
  return pieces.map(({ label }, index) => ({ label, values: values[index] ?? [] }));
}

async function periodOf(
  { ask, dialect }: Asked,
  scope: Scope,
): Promise<{ from: number; until: number } | null> {
  // Each is one index lookup; min and max in one select would scan the whole index.
  const [[first, last] = []] = await ask(
    `select (select min(created_at) from ${dialect.tasks} where removed_at is null),
      (select max(created_at) from ${dialect.tasks} where removed_at is null)`,
    {},
  );
  if (typeof first !== 'string' || typeof last !== 'string') return null;
  const from = Math.max(Date.parse(first), scope.since === null ? -Infinity : Date.parse(scope.since));
  const until = scope.until === null ? Math.max(scope.now, Date.parse(last) + 1) : Date.parse(scope.until);
  return { from, until };
}
