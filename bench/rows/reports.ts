import { REPORTS } from '../../src/reports/index.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { READER_INDEXES } from '../../src/store/sqlite/reader-indexes.ts';
import { grouped } from '../../src/render/text.ts';
import type { Bench } from '../fixtures.ts';
import { alternate, spend, type Spent } from '../measure.ts';
import { type Measured, median, medianOf } from '../verdict.ts';
import { ingestCpu } from './ingest.ts';

const ROUNDS = 3;
/** Reads every row of the table, including long texts: the least cost of an answer without any index. */
const FULL_SCAN = ['query', 'select sum(length(message)) from tasks', '--json'];
/** The cost of every answer: the start of the program and opening the mirror. */
const NOTHING = ['query', 'select 1', '--json'];
/** In the words of the simulated tasks: one of ten has the first, one of forty the second, none the last. */
const SEARCHES = [['report'], ['nightly'], ['invoice', 'report'], ['nowhere']];
/** Earlier than any task, so that no report uses its default period. */
const ALL_TIME = '2000-01-01';

type Works<T> = Record<string, () => Promise<T>>;

/** Measures reports over all tasks and some searches against a full scan, each less the cost of a process. */
export async function reports(bench: Bench): Promise<Measured[]> {
  const tasks = bench.quick ? 100_000 : 1_000_000;
  const db = await bench.mirror(tasks);
  const ask = (args: readonly string[]) => spend({ ...bench.program.command(db, args), onlyWall: true });
  const works: Works<Spent> = Object.fromEntries([
    ...REPORTS.map(({ name }) => [
      `report ${name}`,
      () => ask(['report', name, '--since', ALL_TIME, '--json']),
    ]),
    ...SEARCHES.map((words) => [`search ${words.join(' ')}`, () => ask(['search', ...words, '--json'])]),
  ]);
  const runs = await alternate<Record<string, Spent>>(ROUNDS, {
    ...works,
    scan: () => ask(FULL_SCAN),
    nothing: () => ask(NOTHING),
  });

  const wall = (name: string): number => medianOf(runs[name] ?? [], ({ wallMs }) => wallMs);
  const nothing = wall('nothing');
  const yardstick = wall('scan') - nothing;
  return [
    { what: `an empty query, ${grouped(tasks)} tasks: less this`, unit: 'ms', ours: nothing },
    ...Object.keys(works).map((name): Measured => {
      const ours = Math.max(0, wall(name) - nothing);
      return { what: `${name} / a full scan`, unit: 'ms', ours, yardstick, most: 1 };
    }),
    ...(await indexes(bench, db)),
  ];
}

/** Measures each index that only readers need: its build time, its size, and a backfill that maintains it. */
async function indexes(bench: Bench, file: string): Promise<Measured[]> {
  const tasks = bench.quick ? 30_000 : 100_000;
  const ingest = (...sql: string[]) => ingestCpu('store', String(tasks), bench.freshFile(), ...sql);
  const withIndex: Works<number> = Object.fromEntries(
    READER_INDEXES.map(({ name, create }) => [name, () => ingest(create)]),
  );
  const cpu = await alternate<Record<string, number>>(ROUNDS, { ...withIndex, none: () => ingest() });
  const perTask = (name: string): number => median(cpu[name] ?? []) / tasks;

  const db = await openDatabase(file, { create: false });
  const size = db.prepare('select sum(pgsize) from dbstat where name = ?').pluck();
  const measured = READER_INDEXES.flatMap(({ name, create }): Measured[] => {
    const build = (): number => {
      db.exec(`drop index if exists ${name}`);
      const began = performance.now();
      db.exec(create);
      return performance.now() - began;
    };
    const ours = median(Array.from({ length: ROUNDS }, build));
    return [
      { what: `index ${name}: to build`, unit: 'ms', ours },
      { what: '  its size', unit: 'bytes', ours: Number(size.get(name)) },
      {
        what: '  ingest, CPU a task / without it',
        unit: 'us',
        ours: perTask(name),
        yardstick: perTask('none'),
      },
    ];
  });
  db.close();
  return measured;
}
