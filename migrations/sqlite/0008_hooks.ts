import { type Kysely, sql } from 'kysely';

/**
 * Where each hook is in the feed, and which events were given up. No task, and nothing of the settings but names
 * is in these tables.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table hooks (
    name text primary key,
    seq integer not null,
    rank integer not null,
    run_ids text not null,
    replay_through integer not null default 0,
    digest_through integer not null default 0,
    attempts integer not null default 0,
    failing_since text,
    next_attempt_at text,
    last_error text,
    last_delivery_at text,
    delivered integer not null default 0,
    failed integer not null default 0,
    set_aside integer not null default 0,
    token text,
    pid integer,
    host text,
    claimed_at text,
    renewed_at text
  ) strict`,

  `create table hook_failures (
    id integer primary key,
    hook text not null,
    event_id text not null,
    type text not null,
    seq integer,
    source text,
    task_id text,
    given_up_at text not null,
    reason text not null
  ) strict`,

  `create index hook_failures_by_hook on hook_failures (hook, id)`,
];
