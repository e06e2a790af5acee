import { type Kysely, sql } from 'kysely';

/** The tables, indexes and view that users and other programs rely on (README, "Tables"). */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table sources (
    name text primary key,
    base_url text not null,
    watermark text,
    api_total integer,
    learned_overlap_ms integer not null default 0,
    total_surplus integer,
    registered_at text not null
  ) strict`,

  `create table gaps (
    source text not null references sources (name),
    lower text,
    upper text not null,
    primary key (source, upper)
  ) strict, without rowid`,

  `create table leases (
    source text primary key references sources (name),
    token text not null,
    pid integer not null,
    host text not null,
    acquired_at text not null,
    renewed_at text not null
  ) strict`,

  `create table tasks (
    id text primary key,
    source text not null references sources (name),
    api_key_id text,
    username text,
    session_id text,
    conversation_id text,
    status text not null,
    message text,
    system_prompt text,
    show_in_history integer not null,
    auto_execute integer not null,
    env text,
    error text,
    created_at text not null,
    started_at text,
    completed_at text,
    last_activity_at text not null,
    message_count integer not null,
    extra text,
    queue_ms integer,
    run_ms integer,
    first_seen_at text not null,
    changed_at text not null,
    removed_at text
  ) strict`,

  // The walk's order: seeking an old gap counts the live rows above it.
  `create index tasks_by_activity on tasks (source, last_activity_at desc) where removed_at is null`,

  // The tasks that every run has to look at again; few, however large the mirror is.
  `create index tasks_open on tasks (source, last_activity_at desc)
    where removed_at is null and status in ('pending', 'running', 'awaiting_approval')`,

  `create table task_changes (
    task_id text not null references tasks (id),
    field text not null,
    old_value text,
    new_value text,
    observed_at text not null
  ) strict`,

  `create index task_changes_by_task on task_changes (task_id, observed_at)`,

  `create table rejected_rows (
    source text not null references sources (name),
    row_key text not null,
    task_id text,
    payload text not null,
    reason text not null,
    first_rejected_at text not null,
    last_rejected_at text not null,
    primary key (source, row_key)
  ) strict`,

  `create table sync_runs (
    id integer primary key autoincrement,
    source text not null references sources (name),
    kind text not null,
    started_at text not null,
    finished_at text,
    outcome text,
    verdict text,
    requests integer not null default 0,
    rows_seen integer not null default 0,
    inserted integer not null default 0,
    updated integer not null default 0,
    unchanged integer not null default 0,
    removed integer not null default 0,
    rejected integer not null default 0,
    error text
  ) strict`,

  `create index sync_runs_by_source on sync_runs (source, id desc)`,

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
        and r.verdict in ('clean', 'repaired') order by r.id desc limit 1) as last_clean_full_at
    from sources s
    left join sync_runs last on last.id = (select max(r.id) from sync_runs r where r.source = s.name)`,
];
