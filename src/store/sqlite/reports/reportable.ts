import type { Batch, Queryable, SqlParameters, Table } from '../../queryable.ts';
import type { Reportable } from '../../reportable.ts';
import { openQueryable } from '../queryable.ts';
import { SQLITE } from './dialect.ts';
import { SEARCH_PROGRESS_SQL, searchSql } from './search.ts';

/** Opens a mirror for reports, search and history. Throws as {@link openQueryable} does. */
export function openReportable(file: string): Reportable {
  const mirror = openQueryable(file);
  return {
    ...mirror,
    dialect: SQLITE,
    async searchProgress() {
      const [row] = (await whole(mirror, SEARCH_PROGRESS_SQL)).rows;
      return row === undefined ? null : { built: Number(row[0]), tasks: Number(row[1]) };
    },
    async search(question) {
      const { sql, parameters } = searchSql(question);
      return whole(mirror, sql, parameters);
    },
  };
}

async function whole(mirror: Queryable, sql: string, parameters?: SqlParameters): Promise<Table> {
  const { columns, batches } = await mirror.run(sql, parameters);
  const rows: Batch[number][] = [];
  for await (const batch of batches) rows.push(...batch);
  return { columns, rows };
}
