import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { UsageError } from '../../../src/model/errors.ts';
import { allRows } from '../../../src/reports/ask.ts';
import { openQueryable, type QueryableOptions } from '../../../src/store/postgres/queryable.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import type { Cell, Queryable, SqlParameters } from '../../../src/store/queryable.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store.ts';
import { A } from '../../contracts/mirror-store/kit.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { describeWithServer, execute, targetOf, temporarySchema } from '../../support/postgres/server.ts';

const NUL = 'a\0b \u2400 \u241b';

let place: { url: string; schema: string };

async function make(): Promise<void> {
  place = temporarySchema();
  const options = { create: true, clock: createFakeClock(), omit: new Set<never>() };
  const store = await openPostgresStore(targetOf(place.url, { schema: place.schema }), options);
  const claim = await store.claim(A);
  await claim.commit(changeOf({ tasks: [mirrorTask('one', 0, { message: NUL }), mirrorTask('two', 1_000)] }));
  await store.close();
}

async function opened(options: QueryableOptions = {}): Promise<Queryable> {
  const mirror = await openQueryable(targetOf(place.url, { schema: place.schema }), options);
  onTestFinished(() => mirror.close());
  return mirror;
}

async function rows(sql: string, parameters?: SqlParameters): Promise<(readonly Cell[])[]> {
  return allRows(await (await opened()).run(sql, parameters));
}

/** How many rows the first batches of a statement have. */
async function sizesOf(mirror: Queryable, sql: string, count: number): Promise<number[]> {
  const sizes: number[] = [];
  for await (const batch of (await mirror.run(sql)).batches) {
    if (sizes.push(batch.length) === count) break;
  }
  return sizes;
}

describeWithServer('a query on PostgreSQL', () => {
  beforeAll(make, 120_000);

  describe('gives values', () => {
    test.each<[sql: string, cells: Cell[]]>([
      [
        'select 1::int2, 2::int4, 9223372036854775807, -9007199254740993, 7::oid',
        [1n, 2n, 9223372036854775807n, -9007199254740993n, 7n],
      ],
      [`select true, false, null::bool`, [true, false, null]],
      [`select 1.5::float4, 0.1::float8, 'NaN'::float8, '-Infinity'::float8`, [1.5, 0.1, NaN, -Infinity]],
      [
        `select 2.50, 123456789012345678901234567890.5, 'NaN'::numeric`,
        ['2.50', '123456789012345678901234567890.5', 'NaN'],
      ],
      [
        `select '2026-02-01 01:02:03.4567+01'::timestamptz, 'infinity'::timestamptz`,
        ['2026-02-01T00:02:03.456Z', 'infinity'],
      ],
      [
        `select '2026-02-01'::date, '10:11'::time, '2026-02-01 10:00'::timestamp`,
        ['2026-02-01', '10:11:00', '2026-02-01 10:00:00'],
      ],
      [
        `select interval '1 day 2 hours', array[1, 2], array['a', null], '[1,2)'::int4range`,
        ['1 day 02:00:00', '{1,2}', '{a,NULL}', '[1,2)'],
      ],
      [`select '\\x00ff'::bytea, ''::bytea`, [Buffer.from([0, 255]), Buffer.from([])]],
      [
        `select '{"b": 1, "a": 2}'::json, '{"b": 1, "a": 2}'::jsonb`,
        ['{"b": 1, "a": 2}', '{"a": 2, "b": 1}'],
      ],
      [`select message from tasks where id = 'one'`, [NUL]],
      [`select '', 'ü👋', 'x'::char(3), 'y'::varchar, 'z'::name`, ['', 'ü👋', 'x  ', 'y', 'z']],
    ])('of %s', async (sql, cells) => {
      expect(await rows(sql)).toEqual([cells]);
    });

    test('whatever the role, the database and the environment make of times, numbers and bytes', async () => {
      const { url } = place;
      const user = `odd_${place.schema.slice(5)}`;
      await execute(
        url,
        `create role ${user} login superuser; alter role ${user} set timezone = 'Asia/Kathmandu';
        alter role ${user} set datestyle = 'German'; alter role ${user} set intervalstyle = 'iso_8601';
        alter role ${user} set bytea_output = 'escape'; alter role ${user} set extra_float_digits = -5;
        alter role ${user} set standard_conforming_strings = off; alter role ${user} set search_path = 'nowhere'`,
      );
      onTestFinished(async () => void (await execute(url, `drop role ${user}`)));
      const odd = new URL(url);
      odd.username = user;
      const mirror = await openQueryable(targetOf(odd.href, { schema: place.schema }));
      onTestFinished(() => mirror.close());
      const found = await mirror.run(
        `select '2026-02-01 00:00Z'::timestamptz, date '2026-02-03', interval '1 day', '\\x00ff'::bytea, 0.1::float8 + 0.2, 'a\\b', date_trunc('day', created_at) from tasks limit 1`,
      );
      expect(await allRows(found)).toEqual([
        [
          '2026-02-01T00:00:00.000Z',
          '2026-02-03',
          '1 day',
          Buffer.from([0, 255]),
          0.1 + 0.2,
          'a\\b',
          '2026-01-31T00:00:00.000Z',
        ],
      ]);
    });

    test('with the columns that they come from, through joins and aliases', async () => {
      const { columns, origins } = await (
        await opened()
      ).run(
        `select t.id as name, t.show_in_history, t.created_at, t.message_count, t.env, count(*), c.old_value, s.success_rate
        from tasks t left join task_changes c on c.task_id = t.id cross join tasks_by_day s group by t.id, c.old_value, s.success_rate`,
      );
      expect(columns).toEqual([
        'name',
        'show_in_history',
        'created_at',
        'message_count',
        'env',
        'count',
        'old_value',
        'success_rate',
      ]);
      expect(origins).toEqual([
        { column: 'id', type: 'TEXT' },
        { column: 'show_in_history', type: 'BOOLEAN' },
        { column: 'created_at', type: 'TIMESTAMP' },
        { column: 'message_count', type: 'INTEGER' },
        { column: 'env', type: 'TEXT' },
        { column: null, type: null },
        { column: 'old_value', type: 'TEXT' },
        { column: 'success_rate', type: 'REAL' },
      ]);
    });
  });

  describe('takes parameters', () => {
    test.each<[sql: string, parameters: SqlParameters, cells: Cell[]]>([
      ['select id from tasks where id = :id', { id: 'one' }, ['one']],
      ['select @id || $more || ?3', { id: 'a', more: 'b', 3: 'c' }, ['abc']],
      ['select $1 || $2 || $1', { 1: 'a', 2: 'b' }, ['aba']],
      ['select id from tasks where message = :text', { text: NUL }, ['one']],
      ['select count(*) from tasks where created_at >= :since', { since: '2026-01-31T23:59:00.000Z' }, [1n]],
      ['select id from tasks order by id limit :limit offset :offset', { limit: 1n, offset: 1n }, ['two']],
      // Numbers beyond what PostgreSQL takes them for, and fractions where it expects none.
      ['select :n + 1', { n: 2n ** 53n }, [2n ** 53n + 1n]],
      ['select 1 - :x', { x: 0.25 }, [0.75]],
      ['select id from tasks where message_count * :x = 1', { x: 0.5 }, ['one']],
      ['select :a + :b', { a: 1n, b: 0.5 }, [1.5]],
      ['select substr(:text, :from)', { text: 'abc', from: 2n }, ['bc']],
      // A number where there is text is its digits, as on SQLite.
      ['select :n::text = :m', { n: 42n, m: 42n }, [true]],
      ['select count(*) from tasks where username = :user', { user: 42n }, [0n]],
      ['select :nothing is null, coalesce(:nothing, :text)', { nothing: null, text: 'x' }, [true, 'x']],
      ['select count(*) from tasks where :user is null or username = :user', { user: null }, [2n]],
    ])('of %s', async (sql, parameters, cells) => {
      expect((await rows(sql, parameters))[0]).toEqual(cells);
    });

    test('and tells their names, wherever they are and whatever looks like one', async () => {
      const mirror = await opened();
      const sql = `select :a, ':no', E'\\':no', ":no", $$:no$$, $x$ :no $$ :no $x$, -- :no
        /* :no /* :no */ :no */ @b, x::int, y[1:z], '{}'::int[] @> q, q <@ r, js ? 'k', $c, ?4, :a, (w)[v:u], a := :d`;
      expect(await mirror.parametersOf(sql)).toEqual(['a', 'b', 'c', '4', 'd']);
      expect(await mirror.parametersOf('select :constructor, :__proto__')).toEqual([
        'constructor',
        '__proto__',
      ]);
      await expect(mirror.parametersOf('delete from tasks where id = :id')).rejects.toThrow(
        'it begins with DELETE',
      );
    });

    test('and refuses a statement without a value for each', async () => {
      await expect(rows('select :since')).rejects.toMatchObject({ code: 'sql_parameters' });
    });
  });

  describe('comes in batches', () => {
    // In the select list, rows come as they are asked for; in FROM the server would make all of them first.
    const MANY = 'from (select generate_series(1, 100000000) as i) as many';

    test('each of which fits memory, however long its rows are', async () => {
      const mirror = await opened();
      expect((await sizesOf(mirror, `select i ${MANY}`, 5)).slice(2)).toEqual([1_000, 1_000, 1_000]);
      const long = await sizesOf(mirror, `select repeat('x', 20000) ${MANY}`, 4);
      expect(long.slice(1)).toEqual([13, 13, 13]);
      const huge = await sizesOf(mirror, `select repeat('x', 1000000) ${MANY}`, 3);
      expect(huge.slice(1)).toEqual([1, 1]);
    });

    test.each([1, 24, 25, 26, 999, 1_000, 1_001])(
      'of no more than %i rows if that is all there may be',
      async (atMost) => {
        const found = await (
          await opened()
        ).run(`select 1 / (i - :bad) ${MANY}`, { bad: BigInt(atMost + 1) }, { atMost });
        expect(await allRows(found)).toHaveLength(atMost);
      },
    );

    test('that may be read by turns with those of others, and left at any time', async () => {
      const mirror = await opened();
      const [one, other] = [await mirror.run(`select i ${MANY}`), await mirror.run(`select -i ${MANY}`)];
      await mirror.run('select 1');
      const [first, second] = [iterator(one.batches), iterator(other.batches)];
      for (let turn = 0; turn < 5; turn += 1) {
        expect(Number((await first.next()).value?.[0]?.[0])).toBeGreaterThan(0);
        expect(Number((await second.next()).value?.[0]?.[0])).toBeLessThan(0);
      }
      await first.return?.(undefined);
      expect((await second.next()).done).toBe(false);
      expect(await allRows(await mirror.run('select count(*) from tasks'))).toEqual([[2n]]);
    });

    test('of one moment, while others write', async () => {
      const mirror = await opened();
      const found = iterator(
        (await mirror.run('select status, pg_sleep(0) from tasks, generate_series(1, 50)')).batches,
      );
      await found.next();
      await execute(place.url, `update "${place.schema}".tasks set status = 'changed'`);
      const statuses = new Set<unknown>();
      for (let next = await found.next(); next.done !== true; next = await found.next()) {
        for (const [status] of next.value) statuses.add(status);
      }
      expect([...statuses]).toEqual(['completed']);
      await execute(place.url, `update "${place.schema}".tasks set status = 'completed'`);
    });

    test('with what goes wrong at a row', async () => {
      const found = await (await opened()).run(`select 1 / (i - 1500) ${MANY}`);
      await expect(allRows(found)).rejects.toThrow('PostgreSQL cannot run this SQL: division by zero');
    });

    test('with columns, if there is no row', async () => {
      const found = await (await opened()).run('select id, 1 as id from tasks where false');
      expect(found.columns).toEqual(['id', 'id']);
      expect(await allRows(found)).toEqual([]);
    });
  });

  describe('that cannot be run', () => {
    test('names the tables and views if one is unknown', async () => {
      const failed = rows('select * from task');
      await expect(failed).rejects.toMatchObject({
        code: 'sql_failed',
        message: 'PostgreSQL cannot run this SQL: relation "task" does not exist',
        facts: { tables: expect.arrayContaining(['gaps', 'mirror_status', 'tasks']) as string[] },
      });
      await expect(failed).rejects.not.toMatchObject({
        facts: { tables: expect.arrayContaining(['kysely_migration']) as string[] },
      });
    });

    test('names the columns of its tables if one is unknown', async () => {
      await expect(rows('select r.nope from sync_runs r join gaps on true')).rejects.toMatchObject({
        code: 'sql_failed',
        facts: {
          tables: [],
          columns: { gaps: ['source', 'lower', 'upper'], sync_runs: expect.anything() as string[] },
        },
      });
    });

    test.each([
      ['', 'sql_refused', 'it is empty'],
      [' -- nothing\n /* at /* all */ */ ', 'sql_refused', 'it is empty'],
      ['/* open', 'sql_refused', 'it is empty'],
      ['show all', 'sql_refused', 'it begins with SHOW'],
      ['; select 1', 'sql_refused', 'it is no query'],
      ['select 1; select 2', 'sql_refused', 'it holds more than one statement'],
      ['with x as (delete from tasks returning id) table x', 'sql_refused', 'it would write to the database'],
      ['select from where', 'sql_failed', 'syntax error at or near "where"'],
      [`select '{'::json`, 'sql_failed', 'invalid input syntax for type json'],
      ['select abs(id) from tasks', 'sql_failed', 'You might need to add explicit type casts.'],
      [`select * from tasks where created_at > :x`, 'sql_failed', 'invalid input syntax for type timestamp'],
    ])('%j says why', async (sql, code, why) => {
      const failed = rows(sql, { x: 'yesterday-ish' });
      await expect(failed).rejects.toBeInstanceOf(UsageError);
      await expect(failed).rejects.toMatchObject({ code, message: expect.stringContaining(why) as string });
    });

    test.each([
      ['select median(queue_ms) from tasks', true],
      [`select strftime('%Y', created_at) from tasks`, true],
      [`select sum(status = 'failed') from tasks`, true],
      ['select id from tasks where show_in_history = 1', true],
      [`select id from tasks where show_in_history = 'x'::text`, false],
      ['select abs(id) from tasks', false],
    ])('%s says whether it is SQL of SQLite', async (sql, isOfSqlite) => {
      await expect(rows(sql)).rejects.toMatchObject({ code: 'sql_failed', facts: { isOfSqlite } });
    });

    test.each([
      'select pg_sleep(3600)',
      'select count(*) from generate_series(1, 1000000000000)',
      'select i, pg_sleep(0.01) from generate_series(1, 1000000) as i',
      `with recursive n (i) as (values (1) union all select i + 1 from n) select i from n`,
    ])('in time is stopped: %s', async (sql) => {
      const mirror = await opened({ timeoutMs: 300 });
      await expect(mirror.run(sql).then(allRows)).rejects.toMatchObject({
        code: 'sql_too_slow',
        facts: { limitMs: 300 },
        message: 'the query was stopped: it took longer than 0.3 s',
      });
      expect(await allRows(await mirror.run('select 1'))).toEqual([[1n]]);
    });

    test('because the server ended its connection is a failure of the server, and the next query connects again', async () => {
      const mirror = await opened();
      const found = iterator(
        (await mirror.run('select pg_backend_pid() from generate_series(1, 1000)')).batches,
      );
      const pid = (await found.next()).value?.[0]?.[0];
      await execute(place.url, 'select pg_terminate_backend($1)', [String(pid)]);
      await expect(found.next()).rejects.toMatchObject({ code: 'connection_lost' });
      expect(await allRows(await mirror.run('select count(*) from tasks'))).toEqual([[2n]]);
    });
  });

  test('ends its connections, also of results that are left half read', async () => {
    const mirror = await opened();
    const found = await mirror.run('select pg_backend_pid() from generate_series(1, 1000)');
    await iterator(found.batches).next();
    await mirror.close();
    await mirror.close();
    await expect(mirror.run('select 1')).rejects.toThrow('closed');
  });
});

const iterator = <T>(batches: AsyncIterable<T> | Iterable<T>): AsyncIterator<T, undefined, undefined> => {
  async function* each(): AsyncGenerator<T, undefined> {
    yield* batches;
    return undefined;
  }
  return each();
};
