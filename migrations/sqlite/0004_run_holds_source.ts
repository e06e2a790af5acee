import { type Kysely, sql } from 'kysely';

/**
 * The record of a run under way is the lease of its source: to begin a run and to end it writes one page each time, where
 * a table of leases, SQLite's own table for `autoincrement` and an index made it eight.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const view = await sql<{ sql: string }>`select sql from sqlite_schema where name = 'mirror_status'`.execute(
    db,
  );
  // A table cannot be renamed while a view names one that is not there (sqlite.org/lang_altertable.html).
  const statements = ['drop view mirror_status', ...STATEMENTS, ...view.rows.map((row) => row.sql)];
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Ids still rise without `autoincrement`: the newest record is never deleted.
  `create table new_sync_runs (
    id integer primary key,
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
    error text,
    pid integer,
    host text,
    renewed_at text
  ) strict`,

  `insert into new_sync_runs
    select r.*, l.pid, l.host, l.renewed_at from sync_runs r
    left join leases l on l.source = r.source
      and r.id = (select max(last.id) from sync_runs last where last.source = l.source)`,

  'drop table sync_runs',
  'alter table new_sync_runs rename to sync_runs',
  'drop table leases',

  `create view leases as
    select source, cast(id as text) as token, pid, host, started_at as acquired_at, renewed_at
    from sync_runs where renewed_at is not null`,

  // As while it was a table: by SQL a lease can be freed by hand, or given to whoever needs the source left alone.
  `create trigger leases_insert instead of insert on leases begin
    insert into sync_runs (source, kind, started_at, pid, host, renewed_at)
      values (new.source, 'incremental', new.acquired_at, new.pid, new.host, new.renewed_at);
  end`,
  `create trigger leases_update instead of update on leases begin
    update sync_runs set pid = new.pid, host = new.host, started_at = new.acquired_at, renewed_at = new.renewed_at
      where id = old.token;
  end`,
  `create trigger leases_delete instead of delete on leases begin
    update sync_runs set pid = null, host = null, renewed_at = null where id = old.token;
  end`,
];
