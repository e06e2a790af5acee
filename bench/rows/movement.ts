import { rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { type BenchApi, startApi } from '../api.ts';
import { grouped } from '../../src/render/text.ts';
import type { Bench } from '../fixtures.ts';
import { tasksAtRest } from '../list.ts';
import { alternate } from '../measure.ts';
import { AT_REST, type Movement, type MovementKind, MOVEMENTS } from '../movement.ts';
import { type Measured, medianOf, pagesOf } from '../verdict.ts';

const TASKS = 10_000;

/** How a list is read. */
export interface Cell {
  concurrency: number;
  latencyMs: number;
}

const CELLS: readonly Cell[] = [0, 40].flatMap((latencyMs) =>
  [1, 4, 8].map((concurrency) => ({ concurrency, latencyMs })),
);

/** The outcome of one backfill. */
export interface Backfill {
  requests: number;
  rowsTwice: number;
  ms: number;
}

/** Measures first runs over a list that moves between list requests, against the same list at rest. */
export async function movement(bench: Bench): Promise<Measured[]> {
  // It needs its own API, since the list changes.
  const api = await startApi(TASKS);
  try {
    const atRest = tasksAtRest(TASKS).map(({ id }) => id);
    const works = CELLS.flatMap((cell) =>
      [AT_REST, ...MOVEMENTS].map((kind) => [
        nameOf(kind, cell),
        (seed: number) => backfill(bench, api, { ...cell, movement: { ...kind.movement, seed }, atRest }),
      ]),
    );
    const runs = await alternate<Record<string, Backfill>>(bench.quick ? 1 : 5, Object.fromEntries(works));
    return CELLS.flatMap((cell) => {
      const of = (kind: MovementKind): Backfill[] => runs[nameOf(kind, cell)] ?? [];
      return [AT_REST, ...MOVEMENTS].flatMap((kind) => measuredOf(kind, cell, of(kind), of(AT_REST)));
    });
  } finally {
    await api.close();
  }
}

/** Does one first run. Throws if it lacks a row that the list showed at the same place all the time. */
async function backfill(
  bench: Bench,
  api: BenchApi,
  options: Cell & { movement: Movement & { seed: number }; atRest: readonly string[] },
): Promise<Backfill> {
  const { concurrency, latencyMs, movement: moves, atRest } = options;
  await api.tell({ latencyMs, movement: moves });
  const db = bench.freshFile();
  const { report } = await bench.program.sync({ db, url: api.url, concurrency, onlyWall: true });
  const { listRequests, moved } = await api.tell({});
  const mirrored = new Set(idsIn(db));
  const lost = atRest.filter((id) => !moved.includes(id) && !mirrored.has(id));
  if (lost.length > 0) {
    throw new Error(`Not in the mirror: ${lost.join(', ')} (${JSON.stringify({ ...options, atRest: [] })})`);
  }
  rmSync(db);
  return { requests: listRequests, rowsTwice: report.rowsSeen - report.inserted, ms: report.durationMs };
}

function idsIn(file: string): unknown[] {
  const db = new Database(file, { readonly: true });
  const ids = db.prepare('select id from tasks').pluck().all();
  db.close();
  return ids;
}

/** Returns the figures of a kind of movement, against those of the same list at rest. */
export function measuredOf(
  kind: MovementKind,
  cell: Cell,
  runs: readonly Backfill[],
  atRest: readonly Backfill[],
): Measured[] {
  const isTimeBound = cell.latencyMs > 0 && cell.concurrency > 1;
  return [
    {
      what: `${nameOf(kind, cell)}: list requests / pages`,
      unit: 'requests',
      ours: medianOf(runs, ({ requests }) => requests),
      yardstick: pagesOf(TASKS),
      most: kind.requests,
    },
    {
      what: `  rows read twice / ${grouped(TASKS)} tasks`,
      unit: 'rows',
      ours: medianOf(runs, ({ rowsTwice }) => rowsTwice),
      yardstick: TASKS,
    },
    {
      what: kind === AT_REST ? '  time' : '  time / the same list at rest',
      unit: 'ms',
      ours: medianOf(runs, ({ ms }) => ms),
      ...(kind === AT_REST ? {} : { yardstick: medianOf(atRest, ({ ms }) => ms) }),
      ...(kind === AT_REST || !isTimeBound ? {} : { most: kind.time }),
    },
  ];
}

function nameOf({ name }: MovementKind, { concurrency, latencyMs }: Cell): string {
  return `${name}, concurrency ${concurrency}, ${latencyMs} ms`;
}
