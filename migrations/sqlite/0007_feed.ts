import { type Kysely, sql } from 'kysely';

/**
 * The number of each change, from one counter for the whole mirror (docs/feed.md). What a mirror already holds is numbered in
 * the order of time.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  'create table feed_state (seq integer not null) strict',
  'alter table tasks add column seq integer not null default 0',
  'alter table tasks add column added_seq integer not null default 0',
  'alter table task_changes add column seq integer not null default 0',

  // By rowid: the updates then read it in the order of the table.
  `create temporary table known_changes (
    task integer not null,
    at text not null,
    seq integer not null,
    primary key (task, at)
  ) without rowid`,

  // A clearing of fields moves changed_at as well, but a change whose line was pruned has nothing else.
  `insert into known_changes
    select task, at, row_number() over (order by at, task) from (
      select rowid as task, first_seen_at as at from tasks
      union select rowid, changed_at from tasks
      union select t.rowid, c.observed_at from task_changes c join tasks t on t.id = c.task_id
    )`,

  `update tasks set
    seq = (select max(k.seq) from known_changes k where k.task = tasks.rowid),
    added_seq = (select k.seq from known_changes k where k.task = tasks.rowid and k.at = first_seen_at)`,

  `update task_changes set seq = coalesce((
    select k.seq from tasks t join known_changes k on k.task = t.rowid and k.at = observed_at
    where t.id = task_id
  ), 0)`,

  'insert into feed_state select coalesce(max(seq), 0) from known_changes',
  'drop table known_changes',
  'create index tasks_by_seq on tasks (seq)',
];
