import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { grouped } from '../../src/render/text.ts';
import { REPORTS } from '../../src/reports/index.ts';
import { binariesIn } from '../../test/support/postgres/binaries.ts';
import { type Server, startServer } from '../../test/support/postgres/start.ts';
import type { Bench } from '../fixtures.ts';
import { alternate, spend, type Spent } from '../measure.ts';
import { type Relay, startRelay } from '../relay.ts';
import { type Measured, medianOf, pagesOf } from '../verdict.ts';

const ROUNDS = 3;
/** A server as people run it: durable, with some memory. */
const SETTINGS = [
  'fsync = on',
  'full_page_writes = on',
  'shared_buffers = 512MB',
  'max_wal_size = 4GB',
  'work_mem = 32MB',
];
const FULL_SCAN = ['query', 'select sum(length(message)) from tasks', '--json'];
const NOTHING = ['query', 'select 1', '--json'];
/** Earlier than any task, so that no report uses its default period. */
const ALL_TIME = '2000-01-01';

/** A server, a relay to it, and fresh databases in it. */
interface Place {
  server: Server;
  relay: Relay;
  /** Returns the URL of a new, empty database, through the relay or directly. */
  fresh: (how?: 'relayed') => Promise<string>;
}

/** Measures a mirror in PostgreSQL against one in an SQLite file: client and server share the cores. */
export async function postgres(bench: Bench): Promise<Measured[]> {
  return withPlace(async (place) => [
    ...(await backfills(bench, place)),
    ...(await roundTrips(bench, place)),
    ...(await delayed(bench, place)),
    ...(await fullRuns(bench, place)),
    ...(await reports(bench, place)),
  ]);
}

async function backfills(bench: Bench, place: Place): Promise<Measured[]> {
  const tasks = bench.quick ? 30_000 : 100_000;
  const { url } = await bench.api(tasks);
  const runs = await alternate(ROUNDS, {
    postgres: async () => bench.program.sync({ db: await place.fresh(), url, onlyWall: true }),
    sqlite: () => bench.program.sync({ db: bench.freshFile(), url, onlyWall: true }),
  });
  return [
    ratio(`backfill of ${grouped(tasks)} tasks into PostgreSQL / SQLite`, runs.postgres, runs.sqlite, 1.3),
  ];
}

async function roundTrips(bench: Bench, { relay, fresh }: Place): Promise<Measured[]> {
  const tasks = bench.quick ? 30_000 : 100_000;
  const { url } = await bench.api(tasks);
  const db = await fresh('relayed');
  const countOf = async (): Promise<number> => {
    relay.roundTrips = 0;
    await bench.program.sync({ db, url, onlyWall: true });
    return relay.roundTrips;
  };
  const backfill = await countOf();
  // The first run leaves indexes to the second.
  await countOf();
  const quiet = await countOf();
  return [
    { what: '  round trips / pages', unit: 'requests', ours: backfill, yardstick: pagesOf(tasks), most: 0.1 },
    { what: 'sync that finds nothing, PostgreSQL: round trips', unit: 'requests', ours: quiet, most: 4 },
  ];
}

async function delayed(bench: Bench, { relay, fresh }: Place): Promise<Measured[]> {
  const tasks = bench.quick ? 30_000 : 100_000;
  const { url } = await bench.api(tasks);
  const backfill = (latencyMs: number) => async (): Promise<Spent> => {
    const db = await fresh('relayed');
    relay.latencyMs = latencyMs;
    try {
      return await bench.program.sync({ db, url, onlyWall: true });
    } finally {
      relay.latencyMs = 0;
    }
  };
  const runs = await alternate(ROUNDS, { far: backfill(10), near: backfill(0) });
  return [ratio('backfill with 10 ms to the server / without', runs.far, runs.near, 1.25)];
}

async function fullRuns(bench: Bench, place: Place): Promise<Measured[]> {
  const tasks = bench.quick ? 30_000 : 100_000;
  const { url } = await bench.api(tasks);
  const mirrors = { postgres: await place.fresh(), sqlite: bench.freshFile() };
  for (const db of Object.values(mirrors)) await bench.program.sync({ db, url });
  const full = (db: string) => () => bench.program.sync({ db, url, full: true, onlyWall: true });
  const runs = await alternate(ROUNDS, { postgres: full(mirrors.postgres), sqlite: full(mirrors.sqlite) });
  const what = `sync --full of ${grouped(tasks)} unchanged tasks in PostgreSQL / SQLite`;
  return [ratio(what, runs.postgres, runs.sqlite, 1.3)];
}

async function reports(bench: Bench, place: Place): Promise<Measured[]> {
  const tasks = bench.quick ? 100_000 : 1_000_000;
  const { url } = await bench.api(tasks);
  const db = await place.fresh();
  bench.say(`making a mirror of ${grouped(tasks)} tasks in PostgreSQL`);
  await bench.program.sync({ db, url });
  await bench.program.sync({ db, url });
  const ask = (args: readonly string[]) => spend({ ...bench.program.command(db, args), onlyWall: true });
  const works = Object.fromEntries(
    REPORTS.map(({ name }) => [name, () => ask(['report', name, '--since', ALL_TIME, '--json'])]),
  );
  const runs = await alternate<Record<string, Spent>>(ROUNDS, {
    ...works,
    scan: () => ask(FULL_SCAN),
    nothing: () => ask(NOTHING),
  });
  const wall = (name: string): number => medianOf(runs[name] ?? [], ({ wallMs }) => wallMs);
  const yardstick = wall('scan') - wall('nothing');
  return Object.keys(works).map((name) => ({
    what: `report ${name}, PostgreSQL, ${grouped(tasks)} tasks / a full scan`,
    unit: 'ms',
    ours: Math.max(0, wall(name) - wall('nothing')),
    yardstick,
    most: 1,
  }));
}

const wallOf = ({ wallMs }: Spent): number => wallMs;

function ratio(what: string, ours: readonly Spent[], yardstick: readonly Spent[], most: number): Measured {
  return { what, unit: 'ms', ours: medianOf(ours, wallOf), yardstick: medianOf(yardstick, wallOf), most };
}

async function withPlace<T>(work: (place: Place) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'taskmirror-bench-pg-'));
  chmodSync(folder, 0o755);
  const bin = binariesIn(folder, process.env['TASKMIRROR_TEST_POSTGRES_BIN']);
  const server = await startServer({ bin, settings: SETTINGS });
  const relay = await startRelay(server.port);
  let databases = 0;
  try {
    return await work({
      server,
      relay,
      async fresh(how) {
        const name = `bench_${(databases += 1)}`;
        await createDatabase(server, name);
        return `postgres://postgres@127.0.0.1:${how === 'relayed' ? relay.port : server.port}/${name}`;
      },
    });
  } finally {
    await relay.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function createDatabase({ url }: Server, name: string): Promise<void> {
  const { Client } = await import('pg');
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`create database ${name}`);
  } finally {
    await client.end();
  }
}
