import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { DatabaseError, UsageError } from '../../../src/model/errors.ts';
import { SCHEMA_VERSION } from '../../../src/store/sqlite/identity.ts';
import { openDatabase } from '../../../src/store/sqlite/open.ts';
import { quickCheck, sqliteVersion } from '../../../src/store/sqlite/inspect.ts';
import { prepareRead } from '../../../src/store/sqlite/read-statement.ts';
import { openForQuery } from '../../../src/store/sqlite/readonly.ts';
import type { ReadOnlyMirror, SqlValue } from '../../../src/store/sqlite/readonly.ts';
import { temporaryFolder } from '../../support/mirror.ts';
import { told } from '../../support/told.ts';
import { CURES } from '../../../src/cli/database-hints.ts';

const RUNS = 500;

let file: string;
let mirror: ReadOnlyMirror;

/** A mirror with 500 runs of one source, closed. */
async function makeMirror(path: string): Promise<void> {
  const db = await openDatabase(path, { create: true });
  db.exec(`
    insert into sources (name, base_url, registered_at) values ('default', 'http://127.0.0.1', '2026-01-01');
    insert into sync_runs (source, kind, started_at, requests)
      with recursive n (i) as (values (1) union all select i + 1 from n where i < ${RUNS})
      select 'default', 'backfill', '2026-01-01', i from n;
  `);
  db.close();
}

function opened(path: string): ReadOnlyMirror {
  const reader = openForQuery(path);
  onTestFinished(() => reader.close());
  return reader;
}

beforeEach(async () => {
  file = join(temporaryFolder(), 'mirror.db');
  await makeMirror(file);
  mirror = opened(file);
});

/** The names and contents in a folder, less -wal and -shm: SQLite makes those even to read. */
function stateOf(folder: string): unknown {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !/-(?:wal|shm)$/.test(entry.name))
    .map((entry) => [entry.name, entry.isFile() ? hashOf(join(folder, entry.name)) : 'folder']);
}

const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

const rows = (sql: string): SqlValue[][] => [...mirror.run(sql).rows];
const errorOf = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

describe('SQL that is refused', () => {
  const other = '/nowhere/other.db';
  it.each([
    'delete from sync_runs',
    'delete from sync_runs returning *',
    "insert into sources values ('x', 'y', null, null, 'z')",
    "insert into sources values ('x', 'y', null, null, 'z') returning name",
    "replace into sources values ('x', 'y', null, null, 'z') returning name",
    "update sync_runs set kind = 'x'",
    "update sync_runs set kind = 'x' returning id",
    'with doomed as (select 1) delete from sync_runs returning id',
    'with doomed as (select 1) delete from sync_runs',
    `attach '${other}' as other`,
    'detach main',
    'vacuum',
    "vacuum into 'FOLDER/copy.db'",
    'pragma user_version = 5',
    'pragma user_version',
    'pragma journal_mode = delete',
    'pragma wal_checkpoint(truncate)',
    'pragma query_only = off',
    'pragma writable_schema = on',
    'pragma hard_heap_limit = 1000',
    'pragma optimize',
    'explain pragma hard_heap_limit = 1000',
    'explain delete from sync_runs',
    'create table t (a)',
    'create temp table t (a)',
    'create virtual table temp.t using fts5(a)',
    'create temp view v as select 1',
    'drop table sync_runs',
    'alter table sync_runs rename to gone',
    'begin',
    'begin; delete from sync_runs; commit',
    'savepoint s',
    'reindex',
    'analyze',
    'select 1; delete from sync_runs',
    'select 1; pragma hard_heap_limit = 1000',
    'select 1 /* */; /* */ delete from sync_runs',
    '/* select 1 */ delete from sync_runs',
    '-- select\ndelete from sync_runs',
    '/*/ select 1 /*/ delete from sync_runs',
    '; delete from sync_runs',
    ';;pragma user_version = 5',
    'select 1\0; delete from sync_runs',
    '\ufeffdelete from sync_runs',
    "select load_extension('x')",
    "select writefile('FOLDER/copy.db', 'x')",
    "select readfile('/etc/passwd')",
    "select edit('x')",
    "select * from pragma_wal_checkpoint('truncate')",
    "select * from pragma_journal_mode('delete')",
    'select * from pragma_optimize',
    "select * from fsdir('/')",
    'select ?',
    'select :name',
    'select from where',
    'nonsense',
    '',
    '  -- nothing\n /* at all */ ',
    '/* open',
    'select randomblob(2000000000)',
    "select json_extract('{', '$')",
  ])('%j', (sql) => {
    const folder = dirname(file);
    const before = stateOf(folder);
    const error = errorOf(() => rows(sql.replace('FOLDER', folder)));
    expect(error).toBeInstanceOf(UsageError);
    expect(told(error)).toMatchObject({ exitCode: 2 });
    mirror.close();
    expect(stateOf(folder)).toEqual(before);
    // A pragma that had set something in this process would make this fail.
    expect([
      ...opened(file).run('select count(*), (select * from pragma_user_version) from sync_runs').rows,
    ]).toEqual([[BigInt(RUNS), BigInt(SCHEMA_VERSION)]]);
  });

  it('has no side effect even while it is being prepared', () => {
    errorOf(() => rows('pragma hard_heap_limit = 1000000000'));
    errorOf(() => rows('explain pragma hard_heap_limit = 1000000000'));
    const db = new Database(':memory:');
    onTestFinished(() => void db.close());
    expect(db.pragma('hard_heap_limit', { simple: true })).toBe(0);
  });

  it.each([
    'with doomed as (select 1) delete from sync_runs returning id',
    'with doomed as (select 1) delete from sync_runs',
  ])('is refused before it runs, whatever the connection allows: %s', async (sql) => {
    const db = await openDatabase(file, { create: false });
    onTestFinished(() => void db.close());
    expect(errorOf(() => prepareRead(db, sql))).toMatchObject({
      message: expect.stringContaining('would write'),
    });
  });

  it('says why, and what could be run', () => {
    expect(told(errorOf(() => rows('Delete from sync_runs')))).toMatchObject({
      message: 'this SQL was refused: it begins with DELETE',
      hint: expect.stringContaining('SELECT'),
    });
    expect(errorOf(() => rows('select 1; select 2'))).toMatchObject({
      message: expect.stringContaining('more than one statement'),
    });
  });

  it('names the columns of the tables used if a column is unknown', () => {
    const error = errorOf(() => rows('select r.nope from sync_runs r join gaps on true'));
    expect(told(error)).toMatchObject({
      message: 'SQLite cannot run this SQL: no such column: r.nope',
      hint: expect.stringMatching(
        /^gaps has the columns source, lower, upper\. sync_runs has the columns id, source, /,
      ),
    });
  });

  it('names the tables and views if a table is unknown', () => {
    expect(told(errorOf(() => rows('select * from task')))).toMatchObject({
      message: 'SQLite cannot run this SQL: no such table: task',
      hint: expect.stringMatching(/^Tables and views: (?!.*kysely).*gaps, .*mirror_status, .*tasks/),
    });
  });
});

describe('SQL that is run', () => {
  it.each<[string, SqlValue[][]]>([
    ['  \n\t select 1 ;  ', [[1n]]],
    ['-- why\n/* and\nhow */ select 1 -- end', [[1n]]],
    ['SELECT 1; -- end', [[1n]]],
    ['select 1 /* ; delete from sync_runs */', [[1n]]],
    ["select '; delete from sync_runs'", [['; delete from sync_runs']]],
    ['values (1), (2)', [[1n], [2n]]],
    [
      'with recursive n(i) as (values (1) union all select i + 1 from n where i < 3) select sum(i) from n',
      [[6n]],
    ],
    ['select median(requests), percentile(requests, 90) from sync_runs where id < 12', [[6, 10]]],
    [
      'select id, row_number() over (order by id desc) from sync_runs where id < 3 order by id',
      [
        [1n, 2n],
        [2n, 1n],
      ],
    ],
    [`select json_extract('{"a":[1,2]}', '$.a[1]'), '{"b":3}' ->> 'b'`, [[2n, 3n]]],
    ["select name from pragma_table_info('gaps')", [['source'], ['lower'], ['upper']]],
    [
      'select 9223372036854775807, -9007199254740993, 1.5, null',
      [[9223372036854775807n, -9007199254740993n, 1.5, null]],
    ],
    ["select x'00ff', '', 'ü👋'", [[Buffer.from([0, 255]), '', 'ü👋']]],
    ['select 1 as a, 2 as a', [[1n, 2n]]],
  ])('%s', (sql, expected) => {
    expect(rows(sql)).toEqual(expected);
  });

  it('gets its named parameters as values, which are never part of the SQL', () => {
    const sql = 'select :text as text, @whole + 1 as whole';
    const result = mirror.run(sql, { text: "'; drop table tasks --", whole: 2n ** 53n });
    expect([...result.rows]).toEqual([["'; drop table tasks --", 2n ** 53n + 1n]]);
  });

  it('is refused if a parameter has no value', () => {
    expect(() => [...mirror.run('select :since, ?').rows]).toThrow(UsageError);
    expect(() => [...mirror.run('select :since').rows]).toThrow(/since/);
  });

  it('tells the names of its parameters, and runs nothing', () => {
    expect(mirror.parametersOf('select ?1, :since, @user, $n, :since')).toEqual(['1', 'since', 'user', 'n']);
    expect(mirror.parametersOf('select :constructor, :__proto__')).toEqual(['constructor', '__proto__']);
    expect(mirror.parametersOf("select ':none' -- :none")).toEqual([]);
    expect(
      mirror.parametersOf('with recursive c(n) as (select :n union all select n from c) select n from c'),
    ).toEqual(['n']);
    expect(() => mirror.parametersOf('select :since, ?')).toThrow(UsageError);
    expect(() => mirror.parametersOf('delete from tasks where id = :id')).toThrow('it begins with DELETE');
  });

  it('EXPLAIN tells the plan of a query', () => {
    const plan = mirror.run('explain query plan select * from sync_runs where id = 1');
    expect(plan.columns).toContain('detail');
    expect(JSON.stringify([...plan.rows].map((row) => row.at(-1)))).toContain('SEARCH sync_runs');
  });

  it('names the columns, also if there are no rows', () => {
    const result = mirror.run('select id, count(*) as n, 1 as id from sync_runs where false group by id');
    expect(result.columns).toEqual(['id', 'n', 'id']);
    expect([...result.rows]).toEqual([]);
  });

  it('is let go when the reader stops early, or never starts', () => {
    mirror.run('select * from sync_runs');
    for (const row of mirror.run('select id from sync_runs order by id').rows) {
      expect(row).toEqual([1n]);
      break;
    }
    expect(() => mirror.close()).not.toThrow();
  });

  it('explains what shows only in the middle of the rows', () => {
    const seen: SqlValue[][] = [];
    const error = errorOf(() => {
      const result = mirror.run("select iif(id < 3, id, json_extract('{', '$')) from sync_runs order by id");
      for (const row of result.rows) seen.push(row);
    });
    expect(seen).toEqual([[1n], [2n]]);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ message: 'SQLite cannot run this SQL: malformed JSON' });
  });
});

describe('beside a writer', () => {
  it('reads what was committed before its first row, while the writer goes on', async () => {
    const writer = await openDatabase(file, { create: false });
    onTestFinished(() => void writer.close());
    const counted = 'select count(*) from sync_runs';
    writer.exec('begin immediate; delete from sync_runs where id > 100');
    expect(rows(counted)).toEqual([[BigInt(RUNS)]]);

    const ids = mirror.run('select id from sync_runs order by id').rows[Symbol.iterator]();
    expect(ids.next().value).toEqual([1n]);
    writer.exec('commit');
    let more = 0;
    while (ids.next().done !== true) more++;
    expect(more).toBe(RUNS - 1);
    expect(rows(counted)).toEqual([[100n]]);
  });

  it('reads what a crashed writer had committed', async () => {
    const writer = await openDatabase(file, { create: false });
    onTestFinished(() => void writer.close());
    writer.exec('delete from sync_runs where id > 7');
    const copy = join(temporaryFolder(), 'crashed.db');
    for (const suffix of ['', '-wal']) writeFileSync(copy + suffix, readFileSync(file + suffix));
    expect([...opened(copy).run('select count(*) from sync_runs').rows]).toEqual([[7n]]);
  });

  it('reads a file without write permission', () => {
    mirror.close();
    chmodSync(file, 0o400);
    expect([...opened(file).run('select count(*) from sync_runs').rows]).toEqual([[BigInt(RUNS)]]);
  });
});

describe('a file that is no mirror', () => {
  const make: Record<string, (path: string) => void> = {
    missing: () => {},
    'in a folder that is missing': () => {},
    'a folder': (path) => mkdirSync(path),
    'below a file': (path) => writeFileSync(dirname(path), ''),
    'a text': (path) => writeFileSync(path, 'this is no database '.repeat(100)),
    empty: (path) => writeFileSync(path, ''),
    'cut off': (path) => {
      writeFileSync(path, readFileSync(file));
      truncateSync(path, 9_000);
    },
    corrupt: (path) => writeFileSync(path, readFileSync(file).fill(0x55, 100, 4_096)),
    "another program's": (path) => new Database(path).exec('create table t (a)').close(),
    'newer than this program': (path) => {
      writeFileSync(path, readFileSync(file));
      const db = new Database(path);
      db.pragma('user_version = 999');
      db.close();
    },
  };

  it.each<[kind: string, message: RegExp]>([
    ['missing', /there is no mirror at/],
    ['in a folder that is missing', /there is no mirror at/],
    ['a folder', /is not a file/],
    ['below a file', /cannot be read|there is no mirror/],
    ['a text', /not an SQLite database/],
    ['empty', /is empty/],
    ['cut off', /damaged/],
    ['corrupt', /damaged/],
    ["another program's", /another program/],
    ['newer than this program', /newer taskmirror/],
  ])('%s: is an error with exit code 10, a hint, and leaves the file as it was', (kind, message) => {
    mirror.close();
    const folder = temporaryFolder();
    const path =
      kind.startsWith('in a folder') || kind.startsWith('below')
        ? join(folder, 'sub', 'x.db')
        : join(folder, 'x.db');
    make[kind]?.(path);
    const before = stateOf(folder);
    const error = errorOf(() => openForQuery(path));
    expect(error).toBeInstanceOf(DatabaseError);
    expect(told(error)).toMatchObject({
      exitCode: 10,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/./),
    });
    expect(error).toMatchObject({ message: expect.stringContaining(path) });
    expect(stateOf(folder)).toEqual(before);
  });

  it('a mirror whose -wal cannot be made: the error says what SQLite needs even to read', () => {
    mirror.close();
    const path = join(temporaryFolder(), 'x.db');
    writeFileSync(path, readFileSync(file));
    mkdirSync(`${path}-wal`);
    expect(told(errorOf(() => openForQuery(path)))).toMatchObject({
      exitCode: 10,
      message: `${path} cannot be opened for reading`,
      hint: expect.stringContaining('even to read'),
    });
  });

  it('takes a strange name for a name', async () => {
    const strange = join(temporaryFolder(), 'a #?%20 ü.db');
    await makeMirror(strange);
    expect([...opened(strange).run('select count(*) from sync_runs').rows]).toEqual([[BigInt(RUNS)]]);
    expect(errorOf(() => openForQuery(':memory:'))).toMatchObject({
      message: expect.stringMatching(/^there is no mirror at .*\/:memory:$/),
    });
  });
});

describe('the checks of doctor in SQLite', () => {
  it('finds nothing wrong with a sound mirror', () => {
    expect(quickCheck(file)).toEqual({ problems: [], damage: null });
    expect(sqliteVersion()).toMatch(/^3\.\d+\.\d+$/);
  });

  it('says what to do about a file that is too damaged to be opened', () => {
    mirror.close();
    writeFileSync(file, readFileSync(file).subarray(0, 9_000));
    expect(told(errorOf(() => quickCheck(file)))).toMatchObject({
      code: 'database_damaged',
      hint: CURES.database,
    });
  });

  it('finds a page that was overwritten', () => {
    // Of an index: without a page of a table, a check may not get as far as to list what it found.
    const [[root = 0] = []] = rows(`select rootpage from sqlite_schema where name = 'tasks_by_activity'`);
    const [[bytes = 0] = []] = rows('select page_size from pragma_page_size');
    mirror.close();
    const page = (Number(root) - 1) * Number(bytes);
    writeFileSync(file, readFileSync(file).fill(0x55, page, page + 200));
    const { problems, damage } = quickCheck(file);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThanOrEqual(5);
    expect(damage).toBe('database');
    expect(CURES.database).toMatch(/move the file away.*journal.*\.recover/);
  });
});
