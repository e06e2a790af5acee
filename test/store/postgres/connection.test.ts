import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DatabaseFacts } from '../../../src/model/error-facts.ts';
import { DatabaseError } from '../../../src/model/errors.ts';
import { connect, type ConnectOptions, type Database } from '../../../src/store/postgres/connection.ts';
import { explain, isPassing } from '../../../src/store/postgres/failure.ts';
import {
  describeWithOwnServer,
  describeWithServer,
  execute,
  ownServer,
  postgresUrl,
  targetOf,
  temporarySchema,
} from '../../support/postgres/server.ts';

const shared = (): string => postgresUrl ?? '';

/** Connects, and closes the connections after the test. */
function open(url: string = shared(), options: ConnectOptions = {}): Database {
  const database = connect(targetOf(url), options);
  onTestFinished(() => database.end());
  return database;
}

/** What a failure is, for programs. */
async function failureOf(work: Promise<unknown>): Promise<{ code: string; facts: unknown }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DatabaseError)) throw new Error('no DatabaseError', { cause: error });
  return { code: error.code, facts: error.facts };
}

const failed = <C extends keyof DatabaseFacts>(code: C, database: Database, more: object = {}) => ({
  code,
  facts: { server: database.name, ...more },
});

/** The process of the server that serves the connection. */
async function backend({ query }: Pick<Database, 'query'>): Promise<number> {
  const [row] = await query<{ pid: number }>('select pg_backend_pid() as pid');
  return row?.pid ?? 0;
}

describeWithServer('a connection to PostgreSQL', () => {
  test('names the place without a secret', () => {
    const database = connect(targetOf('postgres://me:hidden@db.example:5433/tasks?sslmode=require'));
    expect(database.name).toBe('me@db.example:5433/tasks');
  });

  test('reads numbers as numbers, moments as UTC with milliseconds, and JSON as it was written', async () => {
    const { url, schema } = temporarySchema();
    const database = open(url);
    await database.query(`create schema ${schema}; create table ${schema}.t (
      big bigint, decimal numeric, at timestamptz(3), old timestamptz, day date, plain json, binary_ jsonb,
      yes boolean, words text, nothing text)`);
    const json = '{"b": 1, "a": 12345678901234567890, "b": 2}';
    await database.query(`insert into ${schema}.t values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, [
      9_007_199_254_740_991,
      0.25,
      '2026-02-01T00:00:00.500Z',
      '0099-12-31T23:59:59.999+05:30',
      '2026-02-01',
      json,
      '{"a":1}',
      true,
      'ä\u{1F600}',
      null,
    ]);
    expect(await database.query(`select * from ${schema}.t`)).toEqual([
      {
        big: 9_007_199_254_740_991,
        decimal: 0.25,
        at: '2026-02-01T00:00:00.500Z',
        old: '0099-12-31T18:29:59.999Z',
        day: '2026-02-01',
        plain: json,
        binary_: '{"a": 1}',
        yes: true,
        words: 'ä\u{1F600}',
        nothing: null,
      },
    ]);
    expect(database.roundTrips).toBe(3);
  });

  test.each([
    ['2026-02-01 00:00:00+00', '2026-02-01T00:00:00.000Z'],
    ['2026-02-01 00:00:00.123456+00', '2026-02-01T00:00:00.123Z'],
    ['10000-01-01 00:00:00+00', '+010000-01-01T00:00:00.000Z'],
    ['infinity', 'infinity'],
  ])('reads the moment %s', async (text, expected) => {
    expect(await open().query(`select '${text}'::timestamptz as at`)).toEqual([{ at: expected }]);
  });

  test('is not led astray by the settings of the role', async () => {
    const role = `astray_${process.pid}`;
    await execute(
      shared(),
      `create role ${role} login password 'astray';
       alter role ${role} set datestyle = 'German'; alter role ${role} set timezone = 'Asia/Kolkata';
       alter role ${role} set client_encoding = 'LATIN1';
       alter role ${role} set default_transaction_isolation = 'serializable'`,
    );
    onTestFinished(async () => {
      await execute(shared(), `drop role ${role}`);
    });
    const database = open(shared().replace(/\/\/[^@]*@/, `//${role}:astray@`));
    expect(
      await database.query(
        `select $1::timestamptz as at, current_setting('datestyle') as style, 'é' as text`,
        ['2026-02-01T00:00:00.5Z'],
      ),
    ).toEqual([{ at: '2026-02-01T00:00:00.500Z', style: 'ISO, YMD', text: 'é' }]);
    const isolation = 'show transaction_isolation';
    expect(await database.transaction((query) => query(isolation))).toEqual([
      { transaction_isolation: 'read committed' },
    ]);
  });

  test('is seen under its name', async () => {
    const database = open(shared(), { applicationName: 'taskmirror test' });
    expect(await database.query('show application_name')).toEqual([{ application_name: 'taskmirror test' }]);
  });

  test('keeps no more connections than it may, and whoever finds none waits', async () => {
    const database = open(shared(), { max: 2 });
    const pids = await Promise.all(
      Array.from({ length: 6 }, () => database.transaction((query) => backend({ query }))),
    );
    expect(new Set(pids).size).toBe(2);
  });
});

/** A table with a key, and the rows in it. */
async function table(): Promise<{ database: Database; name: string; rows: () => Promise<unknown[]> }> {
  const { url, schema } = temporarySchema();
  const database = open(url);
  await database.query(`create schema ${schema}; create table ${schema}.t (n int primary key)`);
  const rows = (): Promise<unknown[]> => database.query(`select n from ${schema}.t order by n`);
  return { database, name: `${schema}.t`, rows };
}

describeWithServer('a transaction', () => {
  test('is kept as a whole', async () => {
    const { database, name, rows } = await table();
    await database.transaction(async (query) => {
      await query(`insert into ${name} values (1)`);
      await query(`insert into ${name} values ($1)`, [2]);
    });
    expect(await rows()).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test('leaves nothing if its work throws, and throws the same', async () => {
    const { database, name, rows } = await table();
    const thrown = new Error('no more');
    const failing = database.transaction(async (query) => {
      await query(`insert into ${name} values (1)`);
      throw thrown;
    });
    await expect(failing).rejects.toBe(thrown);
    expect(await rows()).toEqual([]);
  });

  test('that goes on after a statement failed is not taken for kept', async () => {
    const { database, name, rows } = await table();
    const going = database.transaction(async (query) => {
      await query(`insert into ${name} values (1)`);
      await query('select 1/0').catch(() => {});
    });
    await expect(going).rejects.toThrow('rolled back');
    expect(await rows()).toEqual([]);
  });

  test('whose connection is cut between two statements ends with the cause', async () => {
    const { database, name, rows } = await table();
    const cut = database.transaction(async (query) => {
      await query(`insert into ${name} values (1)`);
      await database.query('select pg_terminate_backend($1, 10000)', [await backend({ query })]);
      await query(`insert into ${name} values (2)`);
    });
    expect(await failureOf(cut)).toEqual(failed('connection_lost', database));
    expect(await rows()).toEqual([]);
  });

  test('that meets another is passing', async () => {
    const { database, name } = await table();
    await database.query(`insert into ${name} values (1), (2)`);
    const update = `update ${name} set n = n where n = $1`;
    const ready = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const crossing = async (mine: 0 | 1): Promise<void> =>
      database.transaction(async (query) => {
        await query(`set local deadlock_timeout = '10ms'`);
        await query(update, [mine + 1]);
        ready[mine].resolve();
        await ready[1 - mine]?.promise;
        await query(update, [2 - mine]);
      });
    const outcomes = await Promise.allSettled([crossing(0), crossing(1)]);
    const [lost] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(lost).toMatchObject(failed('transaction_conflict', database));
    expect(isPassing(lost)).toBe(true);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });
});

describeWithServer('what fails at PostgreSQL has a code', () => {
  const { username, password, host, pathname, search } = new URL(shared() === '' ? 'a://b' : shared());
  const elsewhere = (parts: { user?: string; host?: string; path?: string }): string =>
    `postgres://${parts.user ?? [username, password].filter(Boolean).join(':')}@${parts.host ?? host}${parts.path ?? pathname}${search}`;

  test.each([
    ['no such database', { path: '/nowhere' }, 'database_unknown', {}],
    ['a role that does not exist', { user: 'nobody_here:wrong' }, 'login_refused', { why: 'refused' }],
    ['a port where nobody listens', { host: '127.0.0.1:1' }, 'server_unreachable', {}],
    ['a host that does not exist', { host: 'nowhere.invalid' }, 'server_unreachable', {}],
  ] as const)('%s', async (_what, parts, code, more) => {
    const database = open(`${elsewhere(parts)}${search === '' ? '?' : '&'}sslmode=disable`);
    expect(await failureOf(database.query('select 1'))).toEqual(failed(code, database, more));
  });

  test.each([
    [
      'a statement over the time limit',
      `set local statement_timeout = 1; select pg_sleep(60)`,
      'statement_timeout',
    ],
    ['a role that may not', 'set local role pg_monitor; create schema forbidden', 'permission_denied'],
    [
      'a server that only reads',
      'set local transaction_read_only = on; create schema forbidden',
      'server_read_only',
    ],
    ['anything else', 'select 1/0', 'postgres_failed'],
  ] as const)('%s', async (_what, sql, code) => {
    const database = open();
    const more = { postgres_failed: { sqlstate: '22012' }, permission_denied: { of: 'database' } };
    const facts = code in more ? more[code as keyof typeof more] : {};
    expect(await failureOf(database.query(sql))).toEqual(failed(code, database, facts));
    // And the connection is of further use.
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test.each([
    ['no such database: nowhere', 'database_unknown'],
    ['no such user: me', 'login_refused'],
    ['SASL authentication failed', 'login_refused'],
    ['password authentication failed', 'login_refused'],
    ['server login failed: FATAL password authentication failed for user "me"', 'server_unreachable'],
    ['pgbouncer cannot connect to server', 'server_unreachable'],
  ])('what keeps a pooler from connecting: %s', (message, code) => {
    const error = Object.assign(new Error(message), { severity: 'FATAL', code: '08P01' });
    expect(explain(error, 'me@db.example:6432/tasks', 'connecting')).toMatchObject({ code });
  });

  test('no answer in time: nothing waits for the connection any more', async () => {
    const applicationName = `sleeper of ${process.pid}`;
    const database = open(shared(), { max: 1, applicationName });
    // The server goes on, and whoever makes an index in this database would wait for it.
    onTestFinished(async () => {
      const end = 'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1';
      await execute(shared(), end, [applicationName]);
    });
    const waiting = database.query('select pg_sleep(60)', [], { timeoutMs: 20 });
    expect(await failureOf(waiting)).toEqual(failed('statement_timeout', database));
    const inside = database.transaction((query) => query('select pg_sleep(60)', [], { timeoutMs: 20 }));
    expect(await failureOf(inside)).toEqual(failed('statement_timeout', database));
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a connection that is cut under a statement', async () => {
    const database = open();
    const pid = Promise.withResolvers<number>();
    // Its failure may come before the answer that tells of the cut.
    const failure = failureOf(
      database.transaction(async (query) => {
        pid.resolve(await backend({ query }));
        await query('select pg_sleep(60)');
      }),
    );
    await database.query('select pg_terminate_backend($1)', [await pid.promise]);
    expect(await failure).toEqual(failed('connection_lost', database));
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('an idle connection that is cut is replaced', async () => {
    const [database, other] = [open(), open()];
    const pid = await backend(database);
    await other.query('select pg_terminate_backend($1, 10000)', [pid]);
    expect(await backend(database)).not.toBe(pid);
  });

  test('rows are not quoted from the details of the server', async () => {
    const { url, schema } = temporarySchema();
    const database = open(url);
    await database.query(`create schema ${schema}; create table ${schema}.t (n text check (n <> 'secret'))`);
    const error: unknown = await database
      .query(`insert into ${schema}.t values ($1)`, ['secret'])
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'postgres_failed', facts: { sqlstate: '23514' } });
    expect(inspect(error, { depth: 5 })).not.toContain('secret');
  });
});

describeWithOwnServer('a server of its own', () => {
  test('asks for a password, and is given it from the target alone', async () => {
    const server = await ownServer({ access: ['host all locked 127.0.0.1/32 scram-sha-256'] });
    await execute(server.url, `create role locked login password 'right'`);
    const url = server.url.replace('//postgres@', '//locked@');
    const withPassword = (password: string): Database => open(url.replace('@', `:${password}@`));
    expect(await withPassword('right').query('select current_user as me')).toEqual([{ me: 'locked' }]);
    const wrong = withPassword('wrong');
    expect(await failureOf(wrong.query('select 1'))).toEqual(
      failed('login_refused', wrong, { why: 'refused' }),
    );
    const none = connect({ ...targetOf(url), password: async () => null });
    expect(await failureOf(none.query('select 1'))).toEqual(
      failed('login_refused', none, { why: 'no_password' }),
    );
    // No password: left to the driver, which finds none.
    const driver = open(url);
    expect(await failureOf(driver.query('select 1'))).toEqual(
      failed('login_refused', driver, { why: 'no_password' }),
    );
  });

  test('is found by its socket', async () => {
    const server = await ownServer();
    const database = open(server.socketUrl);
    expect(await database.query('select inet_client_addr() as address')).toEqual([{ address: null }]);
    expect(database.name).toBe(`postgres@${server.folder}:${server.port}/postgres`);
  });

  test('has no connection left', async () => {
    const server = await ownServer({
      settings: ['max_connections = 4', 'superuser_reserved_connections = 0', 'max_wal_senders = 0'],
    });
    const [database, late] = [open(server.url), open(server.url)];
    let held = 0;
    const all = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    const holding = Array.from({ length: 4 }, () =>
      database.transaction(async () => {
        held += 1;
        if (held === 4) all.resolve();
        await over.promise;
      }),
    );
    await all.promise;
    expect(await failureOf(late.query('select 1'))).toEqual(failed('too_many_connections', late));
    over.resolve();
    await Promise.all(holding);
  });

  test('that is killed and started again loses the connections, and no more', async () => {
    const server = await ownServer();
    const database = open(server.url);
    await database.query('create table t (n int); insert into t values (1)');
    const sleeping = failureOf(database.query('select pg_sleep(60)'));
    await server.kill('SIGKILL');
    expect(await sleeping).toEqual(failed('connection_lost', database));
    expect(await failureOf(database.query('select 1'))).toEqual(failed('server_unreachable', database));
    await server.restart();
    expect(await database.query('select n from t')).toEqual([{ n: 1 }]);
  });
});

describe('where nothing is listening at all', () => {
  test('the failure is the same without any server', async () => {
    const database = open('postgres://me:hidden@127.0.0.1:1/tasks');
    const failure = await failureOf(database.query('select 1'));
    expect(failure).toEqual(failed('server_unreachable', database));
    expect(JSON.stringify(failure)).not.toContain('hidden');
  });
});
