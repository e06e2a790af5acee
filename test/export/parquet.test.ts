import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/model/errors.ts';
import type { Cell } from '../../src/store/queryable.ts';
import { parquetPieces } from '../../src/render/formats/parquet.ts';
import { batchesOf } from '../support/batches.ts';
import { duck, exported, exportedMirror, sqlite } from './mirror.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { writeFileSync } from 'node:fs';

/** Rows as a statement gives them, all columns computed, as a Parquet file. */
async function parquetOf(columns: string[], rows: Iterable<Cell[]>): Promise<string> {
  const origins = columns.map(() => ({ column: null, type: null }));
  const file = join(temporaryFolder(), 'x.parquet');
  const pieces: Uint8Array[] = [];
  for await (const piece of parquetPieces({ columns, origins, batches: batchesOf(rows) })) pieces.push(piece);
  writeFileSync(file, Buffer.concat(pieces));
  return file;
}

const TIME = 'TIMESTAMP WITH TIME ZONE';

/** DuckDB's SQL for a time as the mirror writes it. */
const utcText = (name: string): string => `strftime(${name}, '%Y-%m-%dT%H:%M:%S.%gZ') as ${name}`;

/** A row group of integers, and one row more. */
const afterIntegers = (last: Cell): Cell[][] => [...Array.from({ length: 20_000 }, () => [1n]), [last]];

describe('a table as Parquet, read by DuckDB', () => {
  it('has every row as SQLite has it', async () => {
    const file = await exportedMirror();
    const parquet = join(file, '../tasks.parquet');
    expect(await exported(file, { output: parquet })).toContain('260 rows');
    const times = [
      'created_at',
      'started_at',
      'completed_at',
      'last_activity_at',
      'first_seen_at',
      'changed_at',
      'removed_at',
    ];
    const { rows } = await duck(
      `select * replace (${times.map(utcText).join(', ')},
         show_in_history::int::text as show_in_history, auto_execute::int::text as auto_execute)
       from '${parquet}' order by id`,
    );
    expect(rows).toEqual(sqlite(file, 'select * from tasks order by id'));
    expect(rows.find(({ id }) => id === 'awkward-4')).toMatchObject({
      run_ms: '9007199254740993',
      queue_ms: '-5',
    });
    expect(rows.find(({ id }) => id === 'open')).toMatchObject({ show_in_history: '0', completed_at: null });
  });

  it('has real types: times, booleans, integers of 64 bits', async () => {
    const file = await exportedMirror();
    const parquet = join(file, '../tasks.parquet');
    await exported(file, { output: parquet });
    const { types } = await duck(`select * from '${parquet}'`);
    expect(types).toMatchObject({
      id: 'VARCHAR',
      env: 'VARCHAR',
      show_in_history: 'BOOLEAN',
      auto_execute: 'BOOLEAN',
      message_count: 'BIGINT',
      run_ms: 'BIGINT',
      created_at: TIME,
      completed_at: TIME,
      removed_at: TIME,
    });
  });

  it('has its columns and their types if there are no rows', async () => {
    const file = await exportedMirror();
    const parquet = join(file, '../gaps.parquet');
    expect(await exported(file, { what: 'gaps', output: parquet })).toContain('0 rows');
    expect(await duck(`select * from '${parquet}'`)).toEqual({
      types: { source: 'VARCHAR', lower: TIME, upper: TIME },
      rows: [],
    });
  });

  it('of a view has times also in computed columns, even if all are null', async () => {
    const file = await exportedMirror();
    const parquet = join(file, '../status.parquet');
    await exported(file, { what: 'mirror_status', output: parquet });
    const { types, rows } = await duck(`select * from '${parquet}'`);
    expect(types).toMatchObject({ complete_through: TIME, last_clean_full_at: TIME, live_rows: 'BIGINT' });
    expect(rows).toMatchObject([{ live_rows: '259', last_clean_full_at: null }]);
  });
});

describe('the type of what is computed', () => {
  let types: Record<string, string>;
  let rows: Record<string, unknown>[];

  beforeEach(async () => {
    const columns = ['n', 'r', 'both', 'huge', 'blob', 'mixed', 'nothing', 'said_at', 'other_at', 'n'];
    const values: Cell[][] = [
      [1n, 1.5, 1n, 2n ** 62n + 1n, Buffer.from('\u0000ÿ'), 1n, null, '2026-01-01T00:00:00.000Z', 'soon', 3n],
      [null, null, 0.5, 0.5, null, 'x', null, null, '2026-01-01T00:00:00.000Z', null],
    ];
    ({ types, rows } = await duck(`select * from '${await parquetOf(columns, values)}'`));
  });

  it('is that of all its values in the first row group, and text if they have none in common', () => {
    expect(types).toEqual({
      n: 'BIGINT',
      r: 'DOUBLE',
      both: 'DOUBLE',
      huge: 'VARCHAR',
      blob: 'BLOB',
      mixed: 'VARCHAR',
      nothing: 'VARCHAR',
      said_at: TIME,
      other_at: 'VARCHAR',
      n_2: 'BIGINT',
    });
  });

  it('loses no value', () => {
    expect(rows).toMatchObject([
      { n: '1', both: 1, huge: '4611686018427387905', blob: '\\x00\\xC3\\xBF', mixed: '1', n_2: '3' },
      { n: null, both: 0.5, huge: '0.5', blob: null, mixed: 'x', other_at: '2026-01-01T00:00:00.000Z' },
    ]);
  });

  it('is an error with advice if a later row group breaks it', async () => {
    const broken = parquetOf(['total'], afterIntegers(1.5));
    await expect(broken).rejects.toThrow(UsageError);
    await expect(broken).rejects.toThrow(/column total began as INTEGER/);
    await expect(parquetOf(['total'], afterIntegers(null))).resolves.toContain('.parquet');
  });
});

it('row groups are bounded by rows and by their text, and come one by one', async () => {
  let read = 0;
  function* rows(): Generator<Cell[]> {
    for (; read < 50_000; read++) yield [BigInt(read), read >= 40_000 ? 'x'.repeat(3_000) : 'x'];
  }
  const pieces = parquetPieces({
    columns: ['n', 'text'],
    origins: [
      { column: null, type: null },
      { column: null, type: null },
    ],
    batches: batchesOf(rows(), 1),
  });
  const readAt: number[] = [];
  const bytes: Uint8Array[] = [];
  for await (const piece of pieces) {
    bytes.push(piece);
    readAt.push(read);
  }
  expect(readAt.slice(0, 2)).toEqual([19_999, 39_999]);
  const sizes = readAt.slice(2).map((at, i) => at - (readAt[i + 1] ?? 0));
  expect(Math.max(...sizes)).toBeLessThan(1_000);
  const file = join(temporaryFolder(), 'x.parquet');
  writeFileSync(file, Buffer.concat(bytes));
  const { rows: sums } = await duck(
    `select count(*)::int as n, sum(n)::text as sum, sum(length(text))::text as length from '${file}'`,
  );
  expect(sums).toEqual([{ n: 50_000, sum: '1249975000', length: '30040000' }]);
});

it('releases its rows if the reader stops early', async () => {
  let closed = false;
  function* rows(): Generator<Cell[]> {
    try {
      for (;;) yield [1n];
    } finally {
      closed = true;
    }
  }
  const origins = [{ column: null, type: null }];
  for await (const _ of parquetPieces({ columns: ['n'], origins, batches: batchesOf(rows()) })) break;
  expect(closed).toBe(true);
});

it('booleans of a computed column are booleans in Parquet', async () => {
  const file = await parquetOf(
    ['yes', 'mixed'],
    [
      [true, 1n],
      [false, true],
      [null, null],
    ],
  );
  const { rows, types } = await duck(`select * from '${file}'`);
  expect(types).toEqual({ yes: 'BOOLEAN', mixed: 'BOOLEAN' });
  expect(rows.map(({ yes }) => yes)).toEqual([true, false, null]);
});
