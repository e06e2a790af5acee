const OPEN = `status in ('pending', 'running', 'awaiting_approval')`;

/**
 * Text is compared byte by byte: the same order on every host and on SQLite, and no index breaks when the
 * operating system's locales are updated.
 */
const TEXT = 'text collate "C"';
const TIME = 'timestamptz(3)';

/** The beginning of a name, for the indexes of reports: an entry has 2,704 bytes at most, and must hold it whole. */
const keyOf = (name: string, of: string): string =>
  `${name} ${TEXT} generated always as (left(${of}, 100)) stored`;

/** Tables that refer to a source: its name may change, with `on update cascade`. */
const source = (s: string): string =>
  `source ${TEXT} not null references ${s}sources (name) on update cascade`;

export const tables = (s: string): string[] => [
  `create table ${s}sources (
    name ${TEXT} primary key,
    base_url text not null,
    watermark ${TIME},
    api_total bigint,
    learned_overlap_ms bigint not null default 0,
    total_surplus bigint,
    registered_at ${TIME} not null
  )`,

  `create table ${s}gaps (
    ${source(s)},
    lower ${TIME},
    upper ${TIME} not null,
    primary key (source, upper)
  )`,

  // A row for each source, also while nobody holds it: its lock orders writes and takeovers. Every write
  // changes it, so its page has room for new versions, which no index then has to follow.
  `create table ${s}leases (
    source ${TEXT} primary key references ${s}sources (name) on update cascade on delete cascade,
    token text,
    pid bigint,
    host text,
    acquired_at ${TIME},
    renewed_at timestamptz,
    writes bigint not null default 0
  ) with (fillfactor = 20)`,

  `create table ${s}tasks (
    id ${TEXT} primary key,
    ${source(s)},
    api_key_id ${TEXT},
    username ${TEXT},
    session_id ${TEXT},
    conversation_id ${TEXT},
    status ${TEXT} not null,
    message ${TEXT},
    system_prompt ${TEXT},
    show_in_history boolean not null,
    auto_execute boolean not null,
    env json,
    error ${TEXT},
    created_at ${TIME} not null,
    started_at ${TIME},
    completed_at ${TIME},
    last_activity_at ${TIME} not null,
    message_count bigint not null,
    extra json,
    queue_ms bigint,
    run_ms bigint,
    first_seen_at ${TIME} not null,
    changed_at ${TIME} not null,
    removed_at ${TIME},
    error_group ${TEXT},
    seq bigint not null default 0,
    added_seq bigint not null default 0,
    row_no bigint generated always as identity,
    ${keyOf('username_key', 'username')},
    ${keyOf('session_key', 'session_id')}
  )`,

  `create index tasks_by_activity on ${s}tasks (source, last_activity_at desc) where removed_at is null`,

  `create index tasks_open on ${s}tasks (source, last_activity_at desc) where removed_at is null and ${OPEN}`,

  `create index tasks_by_seq on ${s}tasks (seq)`,

  // One row. Every commit that changes a task changes it last of all that it waits for, and so its lock orders
  // the commits. Its page has room for new versions, as that of leases.
  `create table ${s}feed_state (seq bigint not null) with (fillfactor = 20)`,
  `insert into ${s}feed_state (seq) values (0)`,

  `create table ${s}task_changes (
    change_no bigint generated always as identity primary key,
    task_id ${TEXT} not null references ${s}tasks (id),
    field ${TEXT} not null,
    old_value ${TEXT},
    new_value ${TEXT},
    observed_at ${TIME} not null,
    seq bigint not null default 0
  )`,

  `create index task_changes_by_task on ${s}task_changes (task_id, observed_at)`,

  `create table ${s}rejected_rows (
    ${source(s)},
    row_key ${TEXT} not null,
    task_id ${TEXT},
    payload text not null,
    reason text not null,
    first_rejected_at ${TIME} not null,
    last_rejected_at ${TIME} not null,
    last_activity_at ${TIME},
    primary key (source, row_key)
  )`,

  `create table ${s}sync_runs (
    id bigint generated always as identity primary key,
    ${source(s)},
    kind ${TEXT} not null,
    started_at ${TIME} not null,
    finished_at ${TIME},
    outcome ${TEXT},
    verdict ${TEXT},
    requests bigint not null default 0,
    rows_seen bigint not null default 0,
    inserted bigint not null default 0,
    updated bigint not null default 0,
    unchanged bigint not null default 0,
    removed bigint not null default 0,
    rejected bigint not null default 0,
    error text
  )`,

  `create index sync_runs_by_source on ${s}sync_runs (source, id desc)`,

  // Rows are of live tasks, each held by another source than the one that shows it as well.
  `create table ${s}also_shown (
    task_id ${TEXT} not null references ${s}tasks (id) on delete cascade,
    ${source(s)},
    primary key (task_id, source)
  )`,

  `create index also_shown_by_source on ${s}also_shown (source)`,

  `create table ${s}omitted_fields (
    field ${TEXT} primary key,
    stage text not null,
    through ${TEXT} not null
  )`,

  `create table ${s}retention_state (
    changes_through ${TIME},
    changes_no bigint not null,
    removed_through ${TIME}
  )`,

  // Where each hook is in the feed; a token while somebody delivers its events.
  `create table ${s}hooks (
    name ${TEXT} primary key,
    seq bigint not null,
    rank bigint not null,
    run_ids json not null,
    replay_through bigint not null default 0,
    digest_through bigint not null default 0,
    attempts bigint not null default 0,
    failing_since ${TIME},
    next_attempt_at ${TIME},
    last_error text,
    last_delivery_at ${TIME},
    delivered bigint not null default 0,
    failed bigint not null default 0,
    set_aside bigint not null default 0,
    token text,
    pid bigint,
    host text,
    claimed_at ${TIME},
    renewed_at timestamptz
  ) with (fillfactor = 20)`,

  `create table ${s}hook_failures (
    id bigint generated always as identity primary key,
    hook ${TEXT} not null,
    event_id text not null,
    type ${TEXT} not null,
    seq bigint,
    source ${TEXT},
    task_id ${TEXT},
    given_up_at ${TIME} not null,
    reason text not null
  )`,

  `create index hook_failures_by_hook on ${s}hook_failures (hook, id)`,

  // One row if there is a full text index; built_through is null once it holds every task.
  `create table ${s}search_state (built_through ${TEXT})`,

  // One row once all that only readers need is made, and the tables were vacuumed after it.
  `create table ${s}reader_state (vacuumed_at ${TIME} not null)`,
];
