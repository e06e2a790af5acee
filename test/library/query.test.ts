import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  InterruptedError,
  type Mirror,
  type QueryParameters,
  type Row,
  UsageError,
} from '../../src/index.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { type LibraryBench, libraryBench, rejectionOf } from './open.ts';

const MINUTE = 60_000;
const ENDLESS = 'with recursive n (i) as (values (1) union all select i + 1 from n) select i from n';

/** The rows that a loop has not read yet. */
async function rest(rows: AsyncIterator<Row>): Promise<Row[]> {
  const read: Row[] = [];
  for (let next = await rows.next(); next.done !== true; next = await rows.next()) read.push(next.value);
  return read;
}

let bench: LibraryBench;
let mirror: Mirror;
beforeEach(async () => {
  bench = await libraryBench([
    ...tasksApart(249, MINUTE),
    completedTask('failed', EPOCH + MINUTE, { status: 'failed', error: 'out of disk', showInHistory: false }),
  ]);
  ({ mirror } = bench);
  await mirror.sync(bench.options);
});

describe('rows', () => {
  test('are objects by column, and come as a loop asks for them', async () => {
    const found: unknown[] = [];
    for await (const row of mirror.query('select id, error from tasks where status = :status', {
      status: 'failed',
    })) {
      found.push(row);
    }
    expect(found).toEqual([{ id: 'failed', error: 'out of disk' }]);
  });

  test('come all at once from all()', async () => {
    const rows = await mirror.query<{ id: string }>('select id from tasks order by id').all();
    expect(rows.map(({ id }) => id)).toEqual(['failed', ...tasksApart(249, MINUTE).map(({ id }) => id)]);
  });

  test('have integers as numbers, and as bigint only beyond 2^53', async () => {
    const sql = `select 9007199254740991 as most, 9007199254740992 as beyond, -9223372036854775808 as least,
      1.5 as real, null as absent, 'x' as text`;
    expect(await mirror.query(sql).all()).toEqual([
      {
        most: 9_007_199_254_740_991,
        beyond: 9_007_199_254_740_992n,
        least: -9_223_372_036_854_775_808n,
        real: 1.5,
        absent: null,
        text: 'x',
      },
    ]);
  });

  test('are not read before they are asked for: an endless result can be left', async () => {
    let last: unknown;
    for await (const { i } of mirror.query(ENDLESS)) {
      last = i;
      if (i === 1_000) break;
    }
    expect(last).toBe(1_000);
    expect(await mirror.query('select 1 as one').all()).toEqual([{ one: 1 }]);
  });

  test('let other work of the process have its turn', async () => {
    let isDone = false;
    const other = setImmediate().then(() => (isDone = true));
    for await (const _ of mirror.query(ENDLESS)) if (isDone) break;
    expect(await other).toBe(true);
  });

  test('are as they were at the first, whatever a sync writes meanwhile', async () => {
    const rows = mirror.query('select id from tasks')[Symbol.asyncIterator]();
    const ids: unknown[] = [(await rows.next()).value?.id];
    bench.list.put(completedTask('new', EPOCH + 2 * MINUTE));
    expect(await mirror.sync(bench.options)).toMatchObject({ inserted: 1 });
    expect(await mirror.query('select count(*) as n from tasks').all()).toEqual([{ n: 251 }]);
    ids.push(...(await rest(rows)).map(({ id }) => id));
    expect(ids).toHaveLength(250);
    expect(ids).not.toContain('new');
  });

  test('are read again by each loop', async () => {
    const count = mirror.query('select count(*) as n from tasks');
    expect(await count.all()).toEqual([{ n: 250 }]);
    bench.list.put(completedTask('new', EPOCH + 2 * MINUTE));
    await mirror.sync(bench.options);
    expect(await count.all()).toEqual([{ n: 251 }]);
  });
});

describe('parameters', () => {
  test.each<[QueryParameters[string], string, unknown]>([
    ["it's", 'text', "it's"],
    [5, 'integer', 5],
    [0.5, 'real', 0.5],
    [9_007_199_254_740_993n, 'integer', 9_007_199_254_740_993n],
    [true, 'integer', 1],
    [false, 'integer', 0],
    [null, 'null', null],
  ])('%s is bound as %s', async (value, type, read) => {
    const rows = await mirror.query('select typeof(:value) as type, :value as value', { value }).all();
    expect(rows).toEqual([{ type, value: read }]);
  });

  test('find booleans as the mirror stores them', async () => {
    const sql = 'select id from tasks where show_in_history = :shown';
    expect(await mirror.query(sql, { shown: false }).all()).toEqual([{ id: 'failed' }]);
  });

  test.each<[string, QueryParameters]>([
    ['that has no value', {}],
    ['that is NaN', { value: NaN }],
    ['that is an integer of more than 64 bits', { value: 2n ** 63n }],
    ['that is a Date', { value: new Date() as unknown as string }],
    ['that is undefined', { value: undefined as unknown as string }],
  ])('one %s is a UsageError', async (_, parameters) => {
    const run = async () => mirror.query('select :value as value', parameters).all();
    expect(await rejectionOf(run())).toBeInstanceOf(UsageError);
  });

  test('that are no object, and SQL that is no text, are a UsageError', () => {
    const parameters = null as unknown as QueryParameters;
    expect(() => mirror.query('select 1 as one', parameters)).toThrow(
      /parameters is null: expected an object/,
    );
    expect(() => mirror.query(undefined as unknown as string)).toThrow(/sql is undefined: expected a text/);
  });

  test('without a name are a UsageError', async () => {
    expect(await rejectionOf(mirror.query('select ? as value').all())).toBeInstanceOf(UsageError);
  });
});

describe('SQL', () => {
  test.each([
    'delete from tasks',
    'delete from tasks returning id',
    "update tasks set status = 'x' returning id",
    'pragma user_version = 5',
    "attach '/nowhere/other.db' as other",
    'vacuum',
    'select 1; select 2',
    '',
  ])('that does more than read is refused: %s', async (sql) => {
    expect(await rejectionOf(mirror.query(sql).all())).toBeInstanceOf(UsageError);
    expect(await mirror.query('select count(*) as n from tasks').all()).toEqual([{ n: 250 }]);
  });

  test('that gives two columns one name is refused, since an object would lose one', async () => {
    const error = await rejectionOf(mirror.query('select 1 as n, 2 as n').all());
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toContain('"n"');
  });

  test('that is wrong only in a later row fails there', async () => {
    const sql =
      "select json_extract(case when i < 5 then '{}' else '{' end, '$') as j from (ENDLESS) limit 9";
    const error = await rejectionOf(mirror.query(sql.replace('ENDLESS', ENDLESS)).all());
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(/malformed JSON/);
  });
});

test('a loop that is under way when the mirror is closed throws InterruptedError', async () => {
  const rows = mirror.query(ENDLESS)[Symbol.asyncIterator]();
  await rows.next();
  await mirror.close();
  expect(await rejectionOf(rest(rows))).toBeInstanceOf(InterruptedError);
});
