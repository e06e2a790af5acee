/**
 * The benchmark: taskmirror against what the same work costs without it, measured in the same run.
 *
 *   npm run bench                       every row, at full size
 *   npm run bench -- --quick            every row, with fewer tasks
 *   npm run bench -- quiet memory       these rows only
 *   npm run bench -- movement           backfills of lists that move while they are read, some ten minutes
 *   npm run bench -- postgres           a mirror in PostgreSQL against one in SQLite, some ten minutes
 *   npm run bench -- reports            reports, searches and their indexes, at 1,000,000 tasks
 *
 * The table goes to stdout, progress to stderr. Exits 1 if a figure is over its bound.
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { type Bench, withBench } from './fixtures.ts';
import { backfill, latency } from './rows/backfill.ts';
import { catchUp } from './rows/catch-up.ts';
import { full } from './rows/full.ts';
import { ingest } from './rows/ingest.ts';
import { memory } from './rows/memory.ts';
import { movement } from './rows/movement.ts';
import { postgres } from './rows/postgres.ts';
import { quiet } from './rows/quiet.ts';
import { reports } from './rows/reports.ts';
import { writes } from './rows/writes.ts';
import { lineOf, type Measured, tableOf, verdictOf } from './verdict.ts';

type Row = (bench: Bench) => Promise<Measured[]>;

const ROWS: Readonly<Record<string, Row>> = {
  backfill,
  latency,
  memory,
  writes,
  ingest,
  quiet,
  'catch-up': catchUp,
  full,
};
/** Rows that run only on request. */
const MORE_ROWS: Readonly<Record<string, Row>> = { movement, reports, postgres };

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const names = positionals.length > 0 ? positionals : Object.keys(ROWS);
const rows = names.map((name) => [name, rowNamed(name)] as const);
// A Ctrl-C ends the processes that are measured: the run then fails, and removes its files.
process.on('SIGINT', () => {});
const say = (text: string): unknown => process.stderr.write(`${text}\n`);

const measured = await withBench({ quick: values.quick, say }, async (bench) => {
  const all: Measured[] = [];
  for (const [name, row] of rows) {
    say(`${name} ...`);
    const found = await row(bench);
    // A run is long: if it is stopped, what it has found so far is not lost.
    say(tableOf(found.map(lineOf)));
    all.push(...found);
  }
  return all;
});
console.log(`${machine()}\n\n${tableOf(measured.map(lineOf))}`);
if (measured.some((each) => verdictOf(each) === 'over')) process.exitCode = 1;

function rowNamed(name: string): Row {
  const row = ROWS[name] ?? MORE_ROWS[name];
  if (row !== undefined) return row;
  throw new Error(
    `There is no row "${name}": ${[...Object.keys(ROWS), ...Object.keys(MORE_ROWS)].join(', ')}.`,
  );
}

/** Describes the machine that the figures were measured on. */
function machine(): string {
  const [cpu] = cpus();
  const db = new Database(':memory:');
  const sqlite = db.prepare('select sqlite_version()').pluck().get();
  db.close();
  return [
    new Date().toISOString().slice(0, 10),
    `${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'})`,
    `${Math.round(totalmem() / 1024 ** 3)} GB`,
    `${process.platform}-${process.arch}`,
    `Node ${process.versions.node}`,
    `SQLite ${String(sqlite)}`,
    values.quick ? 'quick: fewer tasks and rounds' : 'full size',
  ].join(', ');
}
