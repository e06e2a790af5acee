import { expect, onTestFinished, test } from 'vitest';
import { createPGlite } from '../../support/postgres/pglite.ts';

test('PGlite answers as a server does, with the same codes', async () => {
  const database = await createPGlite();
  onTestFinished(() => database.end());
  await database.query('create table t (n bigint, at timestamptz(3), plain json); insert into t values (1)');
  const json = '{"b": 1, "a": 12345678901234567890}';
  await database.transaction((query) =>
    query('insert into t values ($1, $2, $3)', [2, '2026-02-01T00:00:00.5Z', json]),
  );
  const failing = database.transaction(async (query) => {
    await query('delete from t');
    await query('select 1/0');
  });
  await expect(failing).rejects.toMatchObject({ code: 'postgres_failed', facts: { sqlstate: '22012' } });
  expect(await database.query('select * from t order by n')).toEqual([
    { n: 1, at: null, plain: null },
    { n: 2, at: '2026-02-01T00:00:00.500Z', plain: json },
  ]);
});
