import { expect, test } from 'vitest';
import { COPIED_TABLES } from '../../../src/store/copyable.ts';
import { openMirrorReader } from '../../../src/store/sqlite/reader.ts';
import { describeWithServer, execute } from '../../support/postgres/server.ts';
import { copy, mirrorWithEverything, newFile, newSchema, openStore, rowsIn } from './kit.ts';

describeWithServer('a copy of a mirror', () => {
  test('comes back from PostgreSQL with the same rows, byte for byte', async () => {
    const [file, schema, back] = [newFile(), newSchema(), newFile()];
    await mirrorWithEverything(file.file);
    const before = rowsIn(file.file);
    for (const table of COPIED_TABLES) expect([table, before[table]?.length]).not.toEqual([table, 0]);

    const there = await copy(file, schema);
    const again = await copy(schema, back);
    for (const { table, isExact, setAside, leftOut } of [...there, ...again]) {
      expect({ table, isExact, setAside, leftOut }).toEqual({
        table,
        isExact: true,
        setAside: 0,
        leftOut: 0,
      });
    }
    expect(rowsIn(back.file)).toEqual(before);
    expect(rowsIn(file.file)).toEqual(before);
  });

  test('has the same checksums on both engines, whatever the order of the rows', async () => {
    const [file, schema, other, back] = [newFile(), newSchema(), newSchema(), newFile(100)];
    await mirrorWithEverything(file.file);
    const copies = [await copy(file, schema), await copy(schema, other), await copy(other, back)];
    const sums = copies.map((tables) => tables.map(({ origin, target }) => [origin, target]));
    expect(sums[1]).toEqual(sums[0]);
    expect(sums[2]).toEqual(sums[0]);
    const checksums = sums[0]?.map(([origin]) => origin?.checksum);
    expect(new Set(checksums).size).toBe(COPIED_TABLES.length);
  });

  test('goes from file to file', async () => {
    const [file, other] = [newFile(), newFile()];
    await mirrorWithEverything(file.file);
    await copy(file, other);
    expect(rowsIn(other.file)).toEqual(rowsIn(file.file));
    const reader = await openMirrorReader(other.file);
    expect((await reader.status()).map(({ source, liveRows }) => [source, liveRows])).toEqual([
      ['a', 8],
      ['b', 0],
    ]);
    await reader.close();
  });

  test('of an empty mirror is an empty mirror', async () => {
    const [file, schema, back] = [newFile(), newSchema(), newFile()];
    await (await openStore(file.file)).close();
    expect((await copy(file, schema)).every(({ isExact }) => isExact)).toBe(true);
    expect((await copy(schema, back)).every(({ isExact }) => isExact)).toBe(true);
    const [{ next } = { next: 0 }] = await execute<{ next: string }>(
      schema.url,
      `insert into "${schema.schema}".sources values ('a', 'https://a', null, null, 0, null, now());
      insert into "${schema.schema}".sync_runs (source, kind, started_at) values ('a', 'backfill', now())
      returning id as next`,
    );
    expect(Number(next)).toBe(1);
  });
});
