import type { Reportable } from '../../reportable.ts';
import { FIGURES } from '../cells.ts';
import { openQueryable, type QueryableOptions } from '../queryable.ts';
import type { PostgresTarget } from '../target.ts';
import { POSTGRES } from './dialect.ts';
import { searchProgress, searchTasks } from './search.ts';

/** Opens a mirror for reports, search and history. Throws as {@link openQueryable} does. */
export async function openReportable(
  target: PostgresTarget,
  { timeoutMs }: Pick<QueryableOptions, 'timeoutMs'> = {},
): Promise<Reportable> {
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  const mirror = await openQueryable(target, { types: FIGURES, ...limit });
  return {
    run: (sql, ...rest) => mirror.run(sql, ...rest),
    parametersOf: (sql) => mirror.parametersOf(sql),
    close: () => mirror.close(),
    dialect: POSTGRES,
    searchProgress: () => searchProgress(mirror),
    search: (question) => searchTasks(mirror, question),
  };
}
