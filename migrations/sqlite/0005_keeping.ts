import { type Kysely, sql } from 'kysely';

/**
 * What must not be kept, what was pruned, and which tasks more than one source shows (README, "Tables"). None of it costs a
 * mirror anything before it is used.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** Milliseconds from one UTC text to another. */
const between = (from: string, to: string): string =>
  `cast(round((julianday(${to}) - julianday(${from})) * 86400000) as integer)`;

const STATEMENTS = [
  `create table omitted_fields (
    field text primary key,
    stage text not null,
    through integer not null
  ) strict`,

  `create table retention_state (
    changes_through text,
    changes_rowid integer not null,
    removed_through text
  ) strict`,

  // Rows are of live tasks, each held by another source than the one that shows it as well.
  `create table also_shown (
    task_id text not null references tasks (id) on delete cascade,
    source text not null references sources (name),
    primary key (task_id, source)
  ) strict, without rowid`,

  `create index also_shown_by_source on also_shown (source)`,

  // Also where somebody gives tasks another source by hand, as the README says for one that was renamed.
  `create trigger also_shown_held after update of source on tasks when new.source is not old.source
  begin
    delete from also_shown where task_id = new.id and source = new.source;
  end`,

  `drop view mirror_status`,

  `create view mirror_status as
    select
      s.name as source,
      s.base_url,
      case
        when exists (select 1 from gaps g where g.source = s.name)
        then (select g.lower from gaps g where g.source = s.name order by g.upper limit 1)
        else s.watermark
      end as complete_through,
      s.watermark,
      (select count(*) from gaps g where g.source = s.name) as gaps,
      (select count(*) from tasks t where t.source = s.name and t.removed_at is null) as live_rows,
      s.api_total,
      s.learned_overlap_ms,
      (select count(*) from tasks t where t.source = s.name and t.removed_at is null
        and t.status in ('pending', 'running', 'awaiting_approval')) as open_tasks,
      (select count(*) from rejected_rows r where r.source = s.name) as rejected_rows,
      (select count(*) from tasks t where t.source = s.name and t.removed_at is not null) as removed_rows,
      last.started_at as last_run_at,
      last.kind as last_run_kind,
      last.outcome as last_run_outcome,
      (select r.finished_at from sync_runs r
        where r.source = s.name and r.outcome in ('ok', 'partial') order by r.id desc limit 1) as last_success_at,
      (select r.finished_at from sync_runs r
        where r.source = s.name and r.kind = 'reconcile' and r.outcome = 'ok'
        and r.verdict in ('clean', 'repaired') order by r.id desc limit 1) as last_clean_full_at,
      (select count(*) from also_shown a where a.source = s.name) as shared_rows
    from sources s
    left join sync_runs last on last.id = (select max(r.id) from sync_runs r where r.source = s.name)`,

  `drop view status_history`,

  // Of a task whose older changes were pruned, the last of them is kept: what came before that one is not known any more.
  `create view status_history as
    with seen as (
      select t.id as task_id, t.first_seen_at as since, 0 as change,
        coalesce((select c.old_value from task_changes c
          where c.task_id = t.id and c.field = 'status' order by c.rowid limit 1), t.status) as status
      from tasks t where t.removed_at is null
        and not exists (select 1 from retention_state r cross join task_changes c
          where c.task_id = t.id and c.field = 'status' and c.observed_at <= r.changes_through)
      union all
      select c.task_id, c.observed_at, c.rowid, c.new_value
      from task_changes c join tasks t on t.id = c.task_id
      where c.field = 'status' and t.removed_at is null
    ), told as (
      select task_id, status, since,
        (select c.observed_at from task_changes c
          where c.task_id = seen.task_id and c.field = 'status' and c.rowid > seen.change
          order by c.rowid limit 1) as until
      from seen
    )
    select task_id, status, since, until, ${between('since', 'until')} as duration_ms from told`,
];
