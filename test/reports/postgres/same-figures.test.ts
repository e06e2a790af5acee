import { isDeepStrictEqual } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import type { Task } from '../../../src/model/task.ts';
import { allRows } from '../../../src/reports/ask.ts';
import { historyOf, idsFrom, taskRow } from '../../../src/reports/history.ts';
import { askedOf, REPORTS, runReport, type Scope } from '../../../src/reports/index.ts';
import { columnType } from '../../../src/render/formats/parquet-types.ts';
import { generateTasks } from '../../../src/source/simulated/generate.ts';
import type { Cell, Queryable } from '../../../src/store/queryable.ts';
import { changeOf } from '../../contracts/mirror-store.ts';
import { RECORD } from '../../contracts/mirror-store/kit.ts';
import { type BothEngines, bothEngines } from '../../support/postgres/both.ts';
import { describeWithServer, execute } from '../../support/postgres/server.ts';
import { EVERYTHING } from '../kit.ts';

const NOW = Date.parse('2026-03-30T12:00:00.000Z');
const DAY = 86_400_000;
const COUNT = 3_000;

/** A year of a team, and what no team has. */
function tasks(): Task[] {
  const made = generateTasks({ count: COUNT, seed: 11, now: NOW }).map((task) => ({ ...task, extra: null }));
  return made.map((task, nth) => ({
    ...task,
    ...(nth % 97 === 0
      ? { username: null, sessionId: null, error: 'a\0b \u2400 \u241b 失敗', env: '{"b":1,"a":2}' }
      : {}),
    // A clock that was behind.
    ...(nth % 101 === 0 ? { startedAt: new Date(Date.parse(task.createdAt) - nth).toISOString() } : {}),
    env: task.env === null ? null : JSON.stringify(task.env),
  }));
}

let both: BothEngines;

async function fill(): Promise<void> {
  const all = tasks();
  both = await bothEngines(all, NOW);
  const { clock, each } = both;
  // A second and a third run: changes, removals and returns, and an end that each run has.
  clock.advance(60_000);
  const changed = all
    .slice(0, 200)
    .map((task) => ({ ...task, status: 'completed', message: `${task.message}!` }));
  await each(async (claim) => {
    const run = await claim.startRun('incremental');
    await claim.commit(
      changeOf({
        tasks: changed,
        ledger: { watermark: NOW - 1_000, gaps: [{ lower: null, upper: NOW - DAY }] },
      }),
    );
    await claim.remove(all.slice(100, 160).map(({ id }) => id));
    await claim.finishRun(run, RECORD);
  });
  clock.advance(60_000);
  await each(async (claim) => {
    const run = await claim.startRun('reconcile');
    await claim.commit(
      changeOf({
        tasks: changed.slice(120, 140),
        rejected: [{ id: 'bad', payload: '{"id":"bad\\u0000"}', reason: 'no \0' }],
      }),
    );
    await claim.finishRun(run, { ...RECORD, error: 'a\0b' });
  });
}

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
];

const scopes: Partial<Scope>[] = [
  ...ZONES.map((timezone) => ({ timezone })),
  { since: '2000-01-01T00:00:00.000Z', limit: 500 },
  {
    since: '2025-10-20T11:22:33.444Z',
    until: '2025-11-03T00:00:00.001Z',
    timezone: 'America/New_York',
    limit: 100,
  },
  { status: 'failed', limit: 100 },
  { user: 'nobody' },
];

/** What both give for the same. */
async function answers<T>(
  ask: (mirror: BothEngines['sqlite']) => Promise<T>,
): Promise<{ sqlite: T; postgres: T }> {
  return { sqlite: await ask(both.sqlite), postgres: await ask(both.postgres) };
}

/** The differences of a report between the engines, in all zones and scopes. */
async function differencesOf(name: string): Promise<unknown[]> {
  const users = await both.sqlite.run(
    'select username from tasks where username is not null group by 1 limit 2',
  );
  const some = (await allRows(users)).map(([user]) => ({
    user: String(user),
    timezone: 'Asia/Kathmandu',
  }));
  const differences = [];
  for (const scope of [...scopes, ...some]) {
    const { sqlite, postgres } = await answers((mirror) =>
      runReport(name, askedOf(mirror), { ...EVERYTHING, now: NOW, ...scope }),
    );
    if (!isDeepStrictEqual(postgres, sqlite)) differences.push({ scope, sqlite, postgres });
  }
  return differences;
}

describeWithServer('a mirror in PostgreSQL', () => {
  beforeAll(fill, 120_000);

  test.each(REPORTS)(
    'has the same report $name as one in SQLite, in all zones and scopes',
    async ({ name }) => {
      expect(await differencesOf(name)).toEqual([]);
    },
  );

  test('has the same history of each task', async () => {
    const ids = (await allRows(await both.sqlite.run('select id from tasks order by id limit 300'))).map(
      String,
    );
    for (const id of ids.slice(0, 40)) {
      const { sqlite, postgres } = await answers(async (mirror) => allRows(await historyOf(mirror, id)));
      expect(postgres).toEqual(sqlite);
      const prefix = await answers((mirror) => idsFrom(mirror, id.slice(0, 4)));
      expect(prefix.postgres).toEqual(prefix.sqlite);
    }
    const { sqlite, postgres } = await answers(async (mirror) => taskRow(mirror, ids[0] ?? ''));
    expect(postgres.columns).toEqual([...sqlite.columns, 'row_no', 'username_key', 'session_key']);
  });

  // Leases are a table in PostgreSQL, which has a row for each source, held or not.
  const TABLES = ['tasks', 'task_changes', 'sources', 'gaps', 'sync_runs', 'rejected_rows', 'also_shown'];

  async function tablesAndViews(): Promise<string[]> {
    const views = `select name from sqlite_schema where type = 'view' and name <> 'leases' order by name`;
    const names = (await allRows(await both.sqlite.run(views))).map(([name]) => String(name));
    expect(names).toHaveLength(13);
    return [...TABLES, ...names];
  }

  test('has the same rows in all tables and views, but for columns of its own', async () => {
    for (const name of await tablesAndViews()) {
      const { sqlite, postgres } = await answers((mirror) => rowsOf(mirror, name));
      expect.soft(postgres.columns, name).toEqual(sqlite.columns);
      // The tasks of one commit are numbered in whatever order the engine writes them.
      const numbers = sqlite.columns.flatMap((column, at) => (/^(?:added_)?seq$/.test(column) ? [at] : []));
      const withoutNumbers = (rows: readonly unknown[]) =>
        rows.map((row) => (row as unknown[]).filter((_, at) => !numbers.includes(at)));
      expect.soft(withoutNumbers(postgres.rows), name).toEqual(withoutNumbers(sqlite.rows));
    }
  });

  test('gives the same types to the columns of a Parquet file', async () => {
    for (const name of await tablesAndViews()) {
      const { sqlite, postgres } = await answers((mirror) => parquetTypes(mirror, name));
      // Of a computed column SQLite knows no type.
      const known = sqlite.map((column) => column.replace('status_since:TEXT', 'status_since:TIMESTAMP'));
      expect.soft(postgres, name).toEqual(known);
    }
  });

  test('has the same reports by day and hour before the indexes for readers are built', async () => {
    await execute(both.target.url, `drop index "${both.target.schema}".reader_by_created_at`);
    for (const name of ['daily', 'hours', 'latency', 'overview']) {
      expect.soft(await differencesOf(name), name).toEqual([]);
    }
  });
});

/** The names of all columns and their types in a Parquet file, as name:type. */
async function parquetTypes(mirror: Queryable, table: string): Promise<string[]> {
  const found = await mirror.run(`select * from ${table}`);
  const rows = await allRows(found);
  return found.columns.flatMap((name, at) => {
    if (OF_ONE.test(name)) return [];
    const { column, type } = found.origins[at] ?? { column: null, type: null };
    const cells = rows.map((row) => row[at] ?? null);
    return `${name}:${columnType(column ?? name, type, cells).name}`;
  });
}

/** Columns that are of now. */
const OF_NOW = /^(?:age_ms|status_age_ms)$/;
/** Of one engine alone: keys of rows and of indexes, and the lease, which SQLite keeps with the run. */
const OF_ONE = /^(?:row_no|username_key|session_key|change_no|pid|host|renewed_at)$/;

/** All rows in one order, with values as both have them. */
async function rowsOf(
  mirror: Queryable,
  name: string,
): Promise<{ columns: readonly string[]; rows: unknown[] }> {
  const found = await mirror.run(`select * from ${name}`);
  const { columns } = found;
  const order = columns.map((column, at) => ({ column, at })).filter(({ column }) => !OF_ONE.test(column));
  const rows = (await allRows(found)).map((row) =>
    order.map(({ column, at }) => (OF_NOW.test(column) ? 'of now' : plain(column, row[at] ?? null))),
  );
  return {
    columns: order.map(({ column }) => column),
    rows: rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  };
}

function plain(column: string, cell: Cell): unknown {
  if (typeof cell === 'bigint' || typeof cell === 'boolean') return Number(cell);
  return column === 'success_rate' && typeof cell === 'number' ? Math.round(cell * 1_000) : cell;
}
