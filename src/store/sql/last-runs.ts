import type { EndedRun, LastRuns } from '../../model/run.ts';

/** Runs of a source that are looked at: each look reads them, and what is older matters to nobody. */
const RECENT = 1_000;
const IS_GOOD = `outcome in ('ok', 'partial')`;

export interface LastRunsRow {
  success_id: number | null;
  success_at: string | null;
  full_id: number | null;
  full_at: string | null;
  failed_id: number | null;
  failed_at: string | null;
}

/** Returns SQL for one {@link LastRunsRow}. `runs` is the table `sync_runs`, `source` SQL for the source's name. */
export function lastRunsSql(runs: string, source: string): string {
  return `with recent as materialized (
    select id, kind, outcome, finished_at from ${runs} where source = ${source} order by id desc limit ${RECENT}
  )
  select ${newestSql('success', IS_GOOD)},
    ${newestSql('full', `kind = 'reconcile' and ${IS_GOOD}`)},
    ${newestSql('failed', `kind = 'reconcile' and outcome = 'failed'`)}`;
}

function newestSql(name: string, condition: string): string {
  const column = (wanted: string): string =>
    `(select ${wanted} from recent where ${condition} order by id desc limit 1)`;
  return `${column('id')} as ${name}_id, ${column('finished_at')} as ${name}_at`;
}

export function toLastRuns(row: LastRunsRow | undefined): LastRuns {
  return {
    success: endedRun(row?.success_id, row?.success_at),
    full: endedRun(row?.full_id, row?.full_at),
    failedFull: endedRun(row?.failed_id, row?.failed_at),
  };
}

function endedRun(id: number | null = null, endedAt: string | null = null): EndedRun | null {
  return id === null || endedAt === null ? null : { id, endedAt };
}
