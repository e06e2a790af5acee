import { join } from 'node:path';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { DuckDBInstance, type Json } from '@duckdb/node-api';
import type { Output } from '../../src/platform/terminal.ts';
import type { ExportContext, ExportFlags } from '../../src/cli/commands/export.ts';
import { exportRows } from '../../src/cli/commands/export.ts';
import { loadSettings } from '../../src/config/load.ts';
import { generateTasks } from '../../src/source/simulated/generate.ts';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { openQueryable } from '../../src/store/sqlite/queryable.ts';
import { Captured } from '../support/captured.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { syncBench } from '../support/sync.ts';
import { completedTask, EPOCH, runningTask } from '../support/tasks.ts';

/** Texts that a format could lose, cut, or take for something else. */
const AWKWARD = [
  '',
  'a "quoted", comma',
  'lines\nand\r\nmore\ttabs',
  'NUL \u0000 inside',
  '漢字 🎈 \u2028 e\u0301',
  '=1+1',
  'null',
  ' spaces ',
  '2026-01-01T00:00:00.000Z',
];

/** A mirror of 260 tasks, closed: generated and awkward ones; one of them removed, one with numbers beyond 2^53. */
export async function exportedMirror(): Promise<string> {
  const bench = await syncBench();
  const awkward = AWKWARD.map((message, i) => completedTask(`awkward-${i}`, EPOCH + i + 1, { message }));
  const list = new SimulatedList([
    ...awkward.toReversed(),
    runningTask('open', EPOCH, { env: { KEY: 'väl"ue' }, showInHistory: false, autoExecute: false }),
    ...generateTasks({ count: 250, seed: 7, now: EPOCH }),
  ]);
  await bench.sync(list);
  await bench.store.close();
  const db = new Database(bench.file);
  db.prepare("update tasks set removed_at = '2026-02-02T00:00:00.000Z' where id = 'awkward-3'").run();
  db.prepare("update tasks set run_ms = 9007199254740993, queue_ms = -5 where id = 'awkward-4'").run();
  db.close();
  return bench.file;
}

interface Around {
  signal?: AbortSignal;
  stdout?: Output;
  openForQuery?: ExportContext['openForQuery'];
}

/** Exports from `file`, as from its folder, two hours after EPOCH, and returns what was printed. */
export async function exported(file: string, flags: ExportFlags, around: Around = {}): Promise<string> {
  const cwd = join(file, '..');
  const { settings } = await loadSettings({ env: {}, cwd, flags: { db: file } });
  const stdout = new Captured();
  await exportRows(
    {
      io: { stdout: around.stdout ?? stdout, stderr: new Captured(), env: {}, cwd },
      settings,
      engine: { file },
      clock: createFakeClock(EPOCH + 7_200_000),
      signal: around.signal ?? new AbortController().signal,
      openForQuery: around.openForQuery ?? (async () => openQueryable(file)),
    },
    flags,
  );
  return stdout.text;
}

/** What DuckDB reads, with the types that it sees. Integers and times are texts, as in SQLite's own words. */
export async function duck(
  sql: string,
): Promise<{ types: Record<string, string>; rows: Record<string, Json>[] }> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  onTestFinished(() => connection.closeSync());
  await connection.run("set timezone = 'UTC'");
  const result = await connection.runAndReadAll(sql);
  const names = result.columnNames();
  return {
    types: Object.fromEntries(result.columnTypes().map((type, i) => [names[i] ?? '', String(type)])),
    rows: result.getRowObjectsJson(),
  };
}

/** A result of SQLite's, with integers as texts. */
export function sqlite(file: string, sql: string): Record<string, string | number | null>[] {
  const db = new Database(file, { readonly: true });
  try {
    return db
      .prepare<[], Record<string, string | number | bigint | null>>(sql)
      .safeIntegers(true)
      .all()
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? `${value}` : value]),
        ),
      );
  } finally {
    db.close();
  }
}
