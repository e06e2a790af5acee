import { type Kysely, sql } from 'kysely';

/** The error groups of tasks, and the views that answer the common questions (README, "Views"). */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const IS_OPEN = `status in ('pending', 'running', 'awaiting_approval')`;
const countOf = (condition: string): string => `count(*) filter (where ${condition})`;

/** How many tasks came to what. The rate leaves out what is open and what was cancelled. */
const COUNTS = `
  count(*) as tasks,
  ${countOf(IS_OPEN)} as open,
  ${countOf(`status = 'completed'`)} as completed,
  ${countOf(`status = 'failed'`)} as failed,
  ${countOf(`status = 'cancelled'`)} as cancelled,
  round(1.0 * ${countOf(`status = 'completed'`)}
    / nullif(${countOf(`status in ('completed', 'failed')`)}, 0), 4) as success_rate`;

const SPAN = `
  sum(run_ms) as run_ms,
  min(created_at) as first_created_at,
  max(created_at) as last_created_at`;

const PERCENTILES = `
  count(queue_ms) as started,
  cast(round(percentile(queue_ms, 50)) as integer) as queue_p50_ms,
  cast(round(percentile(queue_ms, 95)) as integer) as queue_p95_ms,
  cast(round(percentile(queue_ms, 99)) as integer) as queue_p99_ms,
  count(run_ms) as finished,
  cast(round(percentile(run_ms, 50)) as integer) as run_p50_ms,
  cast(round(percentile(run_ms, 95)) as integer) as run_p95_ms,
  cast(round(percentile(run_ms, 99)) as integer) as run_p99_ms`;

/** Milliseconds from one UTC text to another. */
const between = (from: string, to: string): string =>
  `cast(round((julianday(${to}) - julianday(${from})) * 86400000) as integer)`;

const STATEMENTS = [
  `alter table tasks add column error_group text`,

  // The program that migrates brings the function along.
  `update tasks set error_group = fold_error(error) where error is not null`,

  `create view tasks_by_day as
    select substr(created_at, 1, 10) as day, ${COUNTS}
    from tasks where removed_at is null group by day`,

  // Monday is 1, as in ISO 8601.
  `create view tasks_by_hour as
    select (strftime('%w', created_at) + 6) % 7 + 1 as weekday,
      cast(substr(created_at, 12, 2) as integer) as hour, ${COUNTS}
    from tasks where removed_at is null group by weekday, hour`,

  `create view tasks_by_user as
    select username, ${COUNTS}, ${SPAN}
    from tasks where removed_at is null group by username`,

  `create view tasks_by_api_key as
    select api_key_id, ${COUNTS}, ${SPAN}
    from tasks where removed_at is null group by api_key_id`,

  `create view tasks_by_session as
    select session_id, max(username) as username, ${COUNTS}, ${SPAN}
    from tasks where removed_at is null group by session_id`,

  `create view tasks_by_conversation as
    select conversation_id, max(username) as username, ${COUNTS}, ${SPAN}, max(message_count) as messages
    from tasks where removed_at is null group by conversation_id`,

  `create view latency_by_day as
    select substr(created_at, 1, 10) as day, ${PERCENTILES}
    from tasks where removed_at is null group by day`,

  `create view latency_by_status as
    select status, ${PERCENTILES}
    from tasks where removed_at is null group by status`,

  // The id of the last failure rides behind its time, which has 24 characters.
  `create view failures_by_error as
    select f.error_group, f.failures, f.users, f.first_created_at, f.last_created_at,
      t.id as last_task_id, t.username as last_username, t.error as last_error
    from (
      select error_group, count(*) as failures, count(distinct username) as users,
        min(created_at) as first_created_at, max(created_at) as last_created_at,
        substr(max(created_at || id), 25) as last_id
      from tasks where removed_at is null and status = 'failed' group by error_group
    ) f join tasks t on t.id = f.last_id`,

  `create view status_history as
    with seen as (
      select t.id as task_id, t.first_seen_at as since, 0 as change,
        coalesce((select c.old_value from task_changes c
          where c.task_id = t.id and c.field = 'status' order by c.rowid limit 1), t.status) as status
      from tasks t where t.removed_at is null
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

  `create view open_tasks as
    select id, source, username, status, created_at, started_at,
      ${between('created_at', `'now'`)} as age_ms, status_since,
      ${between('status_since', `'now'`)} as status_age_ms, message
    from (
      select *, coalesce((select max(c.observed_at) from task_changes c
        where c.task_id = tasks.id and c.field = 'status'), first_seen_at) as status_since
      from tasks where removed_at is null and ${IS_OPEN}
    )`,

  `create view slowest_tasks as
    select id, source, username, status, created_at, queue_ms, run_ms, message
    from tasks where removed_at is null and run_ms is not null
    order by run_ms desc`,
];
