import { expect, onTestFinished, test } from 'vitest';
import { UsageError } from '../../../src/model/errors.ts';
import { allRows } from '../../../src/reports/ask.ts';
import type { Queryable } from '../../../src/store/queryable.ts';
import { openQueryable } from '../../../src/store/sqlite/queryable.ts';
import { syncBench } from '../../support/sync.ts';

const ENDLESS = 'with recursive n (i) as (values (1) union all select i + 1 from n) select i from n';

async function opened(): Promise<Queryable> {
  const { file } = await syncBench();
  const mirror = openQueryable(file);
  onTestFinished(() => mirror.close());
  return mirror;
}

/** How many rows the first batches of a statement have. */
async function sizesOf(mirror: Queryable, sql: string, count: number): Promise<number[]> {
  const sizes: number[] = [];
  for await (const batch of (await mirror.run(sql)).batches) {
    if (sizes.push(batch.length) === count) break;
  }
  return sizes;
}

test('rows come in batches, each of which fits memory, however long its rows are', async () => {
  const mirror = await opened();
  expect(await sizesOf(mirror, ENDLESS, 3)).toEqual([1_000, 1_000, 1_000]);
  const long = `select printf('%.*c', 20000, 'x') from (${ENDLESS})`;
  expect(await sizesOf(mirror, long, 3)).toEqual([4, 4, 4]);
  const huge = `select zeroblob(1000000) from (${ENDLESS})`;
  expect(await sizesOf(mirror, huge, 3)).toEqual([1, 1, 1]);
});

test.each([1, 999, 1_000, 1_001])('at most %i rows are read if that is the limit', async (atMost) => {
  const mirror = await opened();
  const rows = await allRows(await mirror.run(ENDLESS, {}, { atMost }));
  expect(rows).toHaveLength(atMost);
  // Malformed JSON shows when it is met: here in the row after the last.
  const sql = `select json(iif(i = :bad, '{', '{}')) from (${ENDLESS})`;
  const found = await mirror.run(sql, { bad: BigInt(atMost + 1) }, { atMost });
  expect(await allRows(found)).toHaveLength(atMost);
});

test('a statement without rows has no batch, and its columns', async () => {
  const { columns, batches } = await (await opened()).run('select 1 as a, 2 as b where false');
  expect(columns).toEqual(['a', 'b']);
  expect(await allRows({ columns, batches })).toEqual([]);
});

test('an error at a row comes from its batch', async () => {
  const found = await (await opened()).run(`select json(iif(i = 1500, '{', '{}')) from (${ENDLESS})`);
  const read = async (): Promise<number> => {
    let rows = 0;
    for await (const batch of found.batches) rows += batch.length;
    return rows;
  };
  await expect(read()).rejects.toThrow(UsageError);
});
