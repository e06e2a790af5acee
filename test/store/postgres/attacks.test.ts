import { beforeAll, expect, test } from 'vitest';
import { TaskmirrorError } from '../../../src/model/errors.ts';
import { allRows } from '../../../src/reports/ask.ts';
import { openQueryable } from '../../../src/store/postgres/queryable.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store.ts';
import { A, NEVER } from '../../contracts/mirror-store/kit.ts';
import {
  afterwards,
  describeWithServer,
  execute,
  targetOf,
  temporarySchema,
} from '../../support/postgres/server.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

/** Statements that would change something. S. is the schema of the mirror. */
const ATTACKS = [
  `insert into S.tasks select * from S.tasks`,
  `with added as (insert into S.sources (name, base_url, registered_at) values ('x', 'x', now()) returning name) select * from added`,
  `with gone as (delete from S.tasks returning id) select * from gone`,
  `with changed as (update S.tasks set status = 'x' returning id) table changed`,
  `with gone as (delete from S.tasks) select 1`,
  `with gone as (select 1) delete from S.tasks`,
  `with x as (select 1) merge into S.sources s using x on false when not matched then insert (name, base_url, registered_at) values ('x', 'x', now())`,
  `select * from S.tasks for update`,
  `select * from S.tasks for key share`,
  `select * into S.stolen from S.tasks`,
  `select nextval('S.sync_runs_id_seq')`,
  `select setval('S.sync_runs_id_seq', 1000)`,
  `do $$ begin delete from S.tasks; end $$`,
  `copy S.tasks to '/tmp/taskmirror-stolen'`,
  `copy (select 1) to program 'touch /tmp/taskmirror-stolen'`,
  `select 1; delete from S.tasks`,
  `select 1; commit; delete from S.tasks; select 1`,
  `commit; delete from S.tasks`,
  `/* select 1 */ delete from S.tasks`,
  `-- select\ndelete from S.tasks`,
  `/* /* */ select 1 */ delete from S.tasks`,
  `select 1 /* */; /* */ delete from S.tasks`,
  `\ufeffdelete from S.tasks`,
  `select 1\0; delete from S.tasks`,
  `select E'\\'; delete from S.tasks; --'`,
  `select $x$ $x$; delete from S.tasks --`,
  `set role postgres`,
  `set transaction read write`,
  `begin; delete from S.tasks; commit`,
  `rollback; delete from S.tasks`,
  `select set_config('transaction_read_only', 'off', false)`,
  `select set_config('transaction_read_only', 'off', true), S.takes_away()`,
  `select set_config('default_transaction_read_only', 'off', false), set_config('statement_timeout', '0', false)`,
  `select set_config('search_path', 'pg_temp', false)`,
  `select set_config('session_authorization', 'postgres', false), set_config('role', 'postgres', false)`,
  `select S.takes_away()`,
  `select S.takes_away_as_owner()`,
  `select * from S.hides_a_write`,
  `explain analyze insert into S.sources (name, base_url, registered_at) values ('x', 'x', now())`,
  `explain analyze delete from S.tasks`,
  `explain analyze create table S.stolen as select 1`,
  `create temp table t (a int)`,
  `select * into temp stolen from S.tasks`,
  `create or replace function S.takes_away() returns int language sql as 'select 1'`,
  `prepare p as delete from S.tasks`,
  `execute p`,
  `declare c cursor with hold for select 1`,
  `fetch all from c`,
  `listen taskmirror`,
  `notify taskmirror`,
  `select pg_notify('taskmirror', 'x')`,
  `select lo_creat(-1)`,
  `select lo_create(424242)`,
  `select lo_from_bytea(0, 'x')`,
  `select lo_import('/etc/hostname')`,
  `select pg_advisory_lock(42)`,
  `select pg_advisory_lock(id) from generate_series(1, 100) as id`,
  `select dblink_exec('dbname=postgres', 'delete from S.tasks')`,
  `select query_to_xml('delete from S.tasks', true, true, '')`,
  `select query_to_xml('select nextval(''S.sync_runs_id_seq'')', true, true, '')`,
  `select * from ts_stat('select S.takes_away()::text::tsvector')`,
  `vacuum S.tasks`,
  `truncate S.tasks`,
  `lock table S.tasks in access exclusive mode`,
  `refresh materialized view S.m`,
  `call S.p()`,
  `reset all`,
  `discard all`,
  `alter role current_user set statement_timeout = 1`,
  `grant all on S.tasks to public`,
];

const ROLES = ['superuser', 'owner', 'reader'] as const;
const users: Record<(typeof ROLES)[number], string> = { superuser: 'postgres', owner: '', reader: '' };
let place: { url: string; schema: string };

/** A mirror that belongs to no superuser, and functions in it that write. */
async function make(): Promise<void> {
  place = temporarySchema();
  const { url, schema } = place;
  const suffix = schema.slice(5);
  users.owner = `owner_${suffix}`;
  users.reader = `reader_${suffix}`;
  await execute(
    url,
    `create role ${users.owner} login; create role ${users.reader} login;
    create schema "${schema}" authorization ${users.owner}`,
  );
  afterwards(async () => {
    await execute(url, `drop schema if exists "${schema}" cascade`);
    await execute(
      url,
      `drop owned by ${users.owner}, ${users.reader}; drop role ${users.owner}, ${users.reader}`,
    );
  });
  const target = targetAs('owner');
  const store = await openPostgresStore(target, { create: true, clock: createFakeClock(), omit: new Set() });
  const claim = await store.claim(A);
  await claim.commit(changeOf({ tasks: ['a', 'b', 'c'].map((id) => mirrorTask(id)) }));
  await claim.prepareForReaders(NEVER);
  await store.close();
  await execute(
    urlAs('owner'),
    `grant usage on schema "${schema}" to ${users.reader};
    grant select on all tables in schema "${schema}" to ${users.reader};
    ${named(`
      create function S.takes_away() returns int language plpgsql as $$ begin delete from S.tasks; return 1; end $$;
      create function S.takes_away_as_owner() returns int language plpgsql security definer as
        $$ begin execute 'set transaction read write'; delete from S.tasks; return 1; end $$;
      create view S.hides_a_write as select S.takes_away();
    `)}`,
  );
}

const named = (sql: string): string => sql.replaceAll('S.', `"${place.schema}".`);

function urlAs(role: (typeof ROLES)[number]): string {
  const url = new URL(place.url);
  url.username = users[role];
  return url.href;
}

const targetAs = (role: (typeof ROLES)[number]) => targetOf(urlAs(role), { schema: place.schema });

/** All that a statement could have changed, apart from what the server does by itself. */
async function everything(): Promise<unknown> {
  const { url, schema } = place;
  const one = async (sql: string): Promise<unknown> => execute(url, sql, [schema]);
  return {
    rows: await execute(
      url,
      `select table_name::text, (xpath('/table/row/n/text()', query_to_xml(format(
          'select count(*) || md5(coalesce(string_agg(t::text, '','' order by t::text), '''')) as n from %I.%I t', table_schema, table_name
        ), true, false, '')))[1]::text as content
      from information_schema.tables where table_schema = $1 and table_type = 'BASE TABLE' order by 1`,
      [schema],
    ),
    sequences: await one(
      'select sequencename::text, last_value from pg_sequences where schemaname = $1 order by 1',
    ),
    objects: await one(`select oid::text, relname::text from pg_class where relnamespace = $1::regnamespace
      union all select oid::text, nspname::text || $1 from pg_namespace where nspname !~ '^(pg_|test_)' order by 1`),
    functions: await one(
      'select proname::text, prosrc from pg_proc where pronamespace = $1::regnamespace order by 1',
    ),
    rights: await one(
      'select relname::text, relacl::text from pg_class where relnamespace = $1::regnamespace order by 1',
    ),
    roles: await execute(
      url,
      'select rolname::text, rolsuper, rolconfig::text from pg_roles where rolname = any ($1) order by 1',
      [Object.values(users)],
    ),
    largeObjects: await execute(url, 'select count(*) from pg_largeobject_metadata'),
    locks: await execute(
      url,
      `select count(*) from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and application_name = 'taskmirror reader'`,
    ),
  };
}

describeWithServer('SQL from outside', () => {
  beforeAll(make, 120_000);

  test.each(ROLES)('changes nothing, whatever is tried as the %s', async (role) => {
    const before = await everything();
    const mirror = await openQueryable(targetAs(role), { timeoutMs: 500 });
    for (const attack of ATTACKS) {
      const error = await mirror
        .run(named(attack))
        .then(allRows)
        .then(
          () => null,
          (reason: unknown) => reason,
        );
      // Refused, or run and rolled back; never a failure that we do not know.
      expect
        .soft(error === null || error instanceof TaskmirrorError, `${attack}: ${String(error)}`)
        .toBe(true);
      // The connection is of use afterwards, with the settings that queries have.
      const settings = await mirror.run(
        `select current_user::text = session_user::text, current_setting('transaction_read_only'), current_setting('statement_timeout'), current_setting('search_path')`,
      );
      expect
        .soft(await allRows(settings), attack)
        .toEqual([[true, 'on', '500ms', `"${place.schema}", pg_temp`]]);
    }
    expect(await everything()).toEqual(before);
    await mirror.close();
    expect(await everything()).toEqual(before);
  });

  test('would be seen here if it changed something', async () => {
    const before = await everything();
    await execute(
      urlAs('owner'),
      named(`update S.tasks set message = 'stolen' where id = 'a'; select nextval('S.sync_runs_id_seq')`),
    );
    const after = await everything();
    expect(after).not.toEqual(before);
  });

  test('of a role that may only read some of it is told what it may not read', async () => {
    await execute(urlAs('owner'), `revoke select on "${place.schema}".leases from ${users.reader}`);
    const mirror = await openQueryable(targetAs('reader'));
    const failed = mirror.run('select * from leases').then(allRows);
    await expect(failed).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('permission denied for table leases') as string,
    });
    expect(await allRows(await mirror.run('select count(*) from tasks'))).toEqual([[3n]]);
    await mirror.close();
  });

  test('is refused to a role that may not use the schema', async () => {
    await execute(urlAs('owner'), `revoke usage on schema "${place.schema}" from ${users.reader}`);
    await expect(openQueryable(targetAs('reader'))).rejects.toMatchObject({ code: 'permission_denied' });
  });
});
