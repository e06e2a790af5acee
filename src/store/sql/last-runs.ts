import type { EndedRun, LastRuns } from '../../model/run.ts';

/** Runs of a source that are looked at: each look reads them, and what is older matters to nobody. */
const RECENT = 1_000;

export interface LastRunsRow {
  newest: number | null;
  success: number | null;
  success_at: string | null;
  full_run: number | null;
  full_at: string | null;
  failed: number | null;
  failed_at: string | null;
}

/** Returns SQL for one {@link LastRunsRow}. `runs` is the table `sync_runs`, `source` SQL for the source's name. */
export function lastRunsSql(runs: string, source: string): string {
  const newest = (column: string, condition: string): string =>
    `(select ${column} from recent where ${condition} order by id desc limit 1)`;
  const ended = (name: string, condition: string): string =>
    `${newest('id', condition)} as ${name}, ${newest('finished_at', condition)} as ${name.replace('_run', '')}_at`;
  const isGood = `outcome in ('ok', 'partial')`;
  return `with recent as materialized (
    select id, kind, outcome, finished_at from ${runs} where source = ${source} order by id desc limit ${RECENT}
  )
  select (select max(id) from recent) as newest,
    ${ended('success', isGood)},
    ${ended('full_run', `kind = 'reconcile' and ${isGood}`)},
    ${ended('failed', `kind = 'reconcile' and outcome = 'failed'`)}`;
}

export function toLastRuns(row: LastRunsRow | undefined): LastRuns {
  return {
    newest: row?.newest ?? null,
    success: ended(row?.success, row?.success_at),
    full: ended(row?.full_run, row?.full_at),
    failedFull: ended(row?.failed, row?.failed_at),
  };
}

function ended(id: number | null | undefined, endedAt: string | null | undefined): EndedRun | null {
  return id == null || endedAt == null ? null : { id, endedAt };
}
