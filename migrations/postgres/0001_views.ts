const IS_OPEN = `status in ('pending', 'running', 'awaiting_approval')`;
const countOf = (condition: string): string => `count(*) filter (where ${condition})`;

/** Counts of tasks by result. The rate leaves out open and cancelled ones. */
const COUNTS = `
  count(*) as tasks,
  ${countOf(IS_OPEN)} as open,
  ${countOf(`status = 'completed'`)} as completed,
  ${countOf(`status = 'failed'`)} as failed,
  ${countOf(`status = 'cancelled'`)} as cancelled,
  round(1.0 * ${countOf(`status = 'completed'`)}
    / nullif(${countOf(`status in ('completed', 'failed')`)}, 0), 4)::double precision as success_rate`;

// A sum of bigint is numeric, which most programs read as text.
const SPAN = `
  sum(run_ms)::bigint as run_ms,
  min(created_at) as first_created_at,
  max(created_at) as last_created_at`;

// Half away from zero, as SQLite rounds. PostgreSQL rounds a double to even, and to 15 digits as numeric.
const rounded = (double: string): string => `trunc(${double} + 0.5 * sign(${double}))::bigint`;

const percentiles = (column: string, name: string): string =>
  [50, 95, 99]
    .map((percent) => {
      const found = `percentile_cont(${percent / 100}) within group (order by ${column})`;
      return `${rounded(found)} as ${name}_p${percent}_ms`;
    })
    .join(', ');

const PERCENTILES = `
  count(queue_ms) as started, ${percentiles('queue_ms', 'queue')},
  count(run_ms) as finished, ${percentiles('run_ms', 'run')}`;

/** Whole ms from one time to another. */
const between = (from: string, to: string): string =>
  `round(extract(epoch from ${to} - ${from}) * 1000)::bigint`;

/** Days and hours are UTC, in whatever time zone the session is. */
const UTC = `created_at at time zone 'UTC'`;

export function views(s: string): string[] {
  const live = `from ${s}tasks where removed_at is null`;
  return [
    `create view ${s}mirror_status as
      select
        s.name as source,
        s.base_url,
        case
          when exists (select from ${s}gaps g where g.source = s.name)
          then (select g.lower from ${s}gaps g where g.source = s.name order by g.upper limit 1)
          else s.watermark
        end as complete_through,
        s.watermark,
        (select count(*) from ${s}gaps g where g.source = s.name) as gaps,
        (select count(*) from ${s}tasks t where t.source = s.name and t.removed_at is null) as live_rows,
        s.api_total,
        s.learned_overlap_ms,
        (select count(*) from ${s}tasks t where t.source = s.name and t.removed_at is null and t.${IS_OPEN})
          as open_tasks,
        (select count(*) from ${s}rejected_rows r where r.source = s.name) as rejected_rows,
        (select count(*) from ${s}tasks t where t.source = s.name and t.removed_at is not null) as removed_rows,
        last.started_at as last_run_at,
        last.kind as last_run_kind,
        last.outcome as last_run_outcome,
        (select r.finished_at from ${s}sync_runs r
          where r.source = s.name and r.outcome in ('ok', 'partial') order by r.id desc limit 1) as last_success_at,
        (select r.finished_at from ${s}sync_runs r
          where r.source = s.name and r.kind = 'reconcile' and r.outcome = 'ok'
          and r.verdict in ('clean', 'repaired') order by r.id desc limit 1) as last_clean_full_at,
        (select count(*) from ${s}also_shown a where a.source = s.name) as shared_rows
      from ${s}sources s
      left join ${s}sync_runs last
        on last.id = (select r.id from ${s}sync_runs r where r.source = s.name order by r.id desc limit 1)`,

    `create view ${s}tasks_by_day as select (${UTC})::date as day, ${COUNTS} ${live} group by 1`,

    // Monday is 1, as in ISO 8601.
    `create view ${s}tasks_by_hour as
      select extract(isodow from ${UTC})::int as weekday, extract(hour from ${UTC})::int as hour, ${COUNTS}
      ${live} group by 1, 2`,

    `create view ${s}tasks_by_user as select username, ${COUNTS}, ${SPAN} ${live} group by username`,

    `create view ${s}tasks_by_api_key as select api_key_id, ${COUNTS}, ${SPAN} ${live} group by api_key_id`,

    `create view ${s}tasks_by_session as
      select session_id, max(username) as username, ${COUNTS}, ${SPAN} ${live} group by session_id`,

    `create view ${s}tasks_by_conversation as
      select conversation_id, max(username) as username, ${COUNTS}, ${SPAN}, max(message_count) as messages
      ${live} group by conversation_id`,

    `create view ${s}latency_by_day as select (${UTC})::date as day, ${PERCENTILES} ${live} group by 1`,

    `create view ${s}latency_by_status as select status, ${PERCENTILES} ${live} group by status`,

    `create view ${s}failures_by_error as
      select f.error_group, f.failures, f.users, f.first_created_at, f.last_created_at,
        t.id as last_task_id, t.username as last_username, t.error as last_error
      from (
        select error_group, count(*) as failures, count(distinct username) as users,
          min(created_at) as first_created_at, max(created_at) as last_created_at,
          (array_agg(id order by created_at desc, id desc))[1] as last_id
        ${live} and status = 'failed' group by error_group
      ) f join ${s}tasks t on t.id = f.last_id`,

    // Of a task whose older changes were pruned the last of them is kept: earlier statuses are unknown.
    `create view ${s}status_history as
      with seen as (
        select t.id as task_id, t.first_seen_at as since, 0::bigint as change,
          coalesce((select c.old_value from ${s}task_changes c
            where c.task_id = t.id and c.field = 'status' order by c.change_no limit 1), t.status) as status
        from ${s}tasks t where t.removed_at is null
          and not exists (select from ${s}retention_state r cross join ${s}task_changes c
            where c.task_id = t.id and c.field = 'status' and c.observed_at <= r.changes_through)
        union all
        select c.task_id, c.observed_at, c.change_no, c.new_value
        from ${s}task_changes c join ${s}tasks t on t.id = c.task_id
        where c.field = 'status' and t.removed_at is null
      ), told as (
        select task_id, status, since, lead(since) over (partition by task_id order by change) as until from seen
      )
      select task_id, status, since, until, ${between('since', 'until')} as duration_ms from told`,

    `create view ${s}open_tasks as
      select id, source, username, status, created_at, started_at,
        ${between('created_at', 'now()')} as age_ms, status_since,
        ${between('status_since', 'now()')} as status_age_ms, message
      from (
        select *, coalesce((select max(c.observed_at) from ${s}task_changes c
          where c.task_id = tasks.id and c.field = 'status'), first_seen_at) as status_since
        ${live} and ${IS_OPEN}
      ) as open`,

    `create view ${s}slowest_tasks as
      select id, source, username, status, created_at, queue_ms, run_ms, message
      ${live} and run_ms is not null
      order by run_ms desc`,
  ];
}
