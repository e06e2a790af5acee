import { setImmediate } from 'node:timers/promises';
import {
  COPIED_TABLES,
  type CopiedTable,
  type CopyOrigin,
  type CopyReadable,
  type CopyRow,
  type CopyTarget,
} from '../store/copyable.ts';
import { Checksum, type TableSum } from './checksum.ts';

/** The copy of one table. */
export interface TableCopy {
  table: CopiedTable;
  /** The rows of the origin. */
  origin: TableSum;
  /** The rows that the target was found to hold at the end. */
  target: TableSum;
  /** Rows that the target's engine cannot hold; it has a row of `rejected_rows` for each. */
  setAside: number;
  /** Rows that refer to tasks which the target does not have. */
  leftOut: number;
  /** Whether the target holds exactly what it should: the rows of the origin, but for those two. */
  isExact: boolean;
}

/** The progress of a copy: rows of all tables that it has read, and all that there are. */
export interface CopyProgress {
  step: 'copy' | 'check';
  rows: number;
  total: number;
}

export interface CopyOptions {
  signal: AbortSignal;
  onProgress?: (progress: CopyProgress) => void;
}

/**
 * Makes the target hold what the origin holds, table by table, and then compares the two. If rows are there
 * already, those that are the same stay, those that differ are replaced, and those that the origin does not
 * have are deleted: so it does not matter where an earlier copy stopped, nor what happened to the origin since.
 * The target becomes a mirror only if every table is exact. Throws what the two throw, and the signal's reason.
 */
export async function copyMirror(
  origin: CopyOrigin,
  target: CopyTarget,
  options: CopyOptions,
): Promise<TableCopy[]> {
  const total = await rowsOf(origin);
  const copying = new Steps('copy', total, options);
  const tables = new Map(COPIED_TABLES.map((table) => [table, new Tally()]));
  const tallyOf = (table: CopiedTable): Tally => tables.get(table) ?? new Tally();
  for (const table of COPIED_TABLES) {
    await copyTable({ origin, target, tallyOf }, table, copying);
    // Before tasks come that are set aside here.
    if (table === 'rejected_rows') await removeSurplus(origin, target, table, tallyOf(table).expected.rows);
  }
  for (const table of COPIED_TABLES.toReversed()) {
    if (table !== 'rejected_rows') {
      await removeSurplus(origin, target, table, tallyOf(table).expected.rows);
    }
  }
  const checking = new Steps('check', total, options);
  const copies: TableCopy[] = [];
  for (const table of COPIED_TABLES) {
    copies.push(tallyOf(table).compare(table, await sumOf(target, table, checking)));
  }
  if (copies.every(({ isExact }) => isExact)) await target.finish();
  return copies;
}

/** What is known of a table while it is copied. */
class Tally {
  readonly origin = new Checksum();
  /** The rows that the target should hold. */
  readonly expected = new Checksum();
  setAside = 0;
  leftOut = 0;

  compare(table: CopiedTable, target: TableSum): TableCopy {
    const { rows, checksum } = this.expected.sum;
    const isExact = rows === target.rows && checksum === target.checksum;
    const { setAside, leftOut } = this;
    return { table, origin: this.origin.sum, target, setAside, leftOut, isExact };
  }
}

/** Gives signals their turn after each batch, and reports the progress. */
class Steps {
  readonly #step: CopyProgress['step'];
  readonly #total: number;
  readonly #options: CopyOptions;
  #rows = 0;

  constructor(step: CopyProgress['step'], total: number, options: CopyOptions) {
    this.#step = step;
    this.#total = total;
    this.#options = options;
  }

  async done(rows: number): Promise<void> {
    this.#rows += rows;
    this.#options.onProgress?.({ step: this.#step, rows: this.#rows, total: this.#total });
    // SQLite reads and writes without it.
    await setImmediate();
    this.#options.signal.throwIfAborted();
  }
}

interface Copying {
  origin: CopyOrigin;
  target: CopyTarget;
  tallyOf: (table: CopiedTable) => Tally;
}

async function copyTable(
  { origin, target, tallyOf }: Copying,
  table: CopiedTable,
  steps: Steps,
): Promise<void> {
  const tally = tallyOf(table);
  const mayHaveSome = (await target.count(table)) > 0;
  for await (const rows of origin.batches(table)) {
    tally.origin.add(rows);
    const { same, missing } = mayHaveSome ? await compare(target, table, rows) : { same: [], missing: rows };
    tally.expected.add(same);
    if (missing.length > 0) {
      const written = await target.write(table, missing);
      tally.expected.add(written.rows);
      tallyOf('rejected_rows').expected.add(written.setAside);
      tally.setAside += written.setAside.length;
      tally.leftOut += written.leftOut;
    }
    await steps.done(rows.length);
  }
}

/** Divides rows into those that the target has as they are, and those that it lacks or has otherwise. */
async function compare(
  target: CopyReadable,
  table: CopiedTable,
  rows: readonly CopyRow[],
): Promise<{ same: CopyRow[]; missing: CopyRow[] }> {
  const found = await target.find(table, rows);
  const isSame = (row: CopyRow, at: number): boolean => {
    const stored = found[at];
    return stored !== undefined && row.every((cell, column) => cell === stored[column]);
  };
  return { same: rows.filter(isSame), missing: rows.filter((row, at) => !isSame(row, at)) };
}

/**
 * Deletes the rows of the target that the origin does not have. As all that it should have are there, there
 * are none if it has as many as these, `expected`.
 */
async function removeSurplus(
  origin: CopyOrigin,
  target: CopyTarget,
  table: CopiedTable,
  expected: number,
): Promise<void> {
  if ((await target.count(table)) === expected) return;
  for await (const rows of target.batches(table)) {
    const found = await origin.find(table, rows);
    const surplus = rows.filter((_, at) => found[at] === undefined);
    if (surplus.length > 0) await target.remove(table, surplus);
  }
}

async function sumOf(mirror: CopyReadable, table: CopiedTable, steps: Steps): Promise<TableSum> {
  const sum = new Checksum();
  for await (const rows of mirror.batches(table)) {
    sum.add(rows);
    await steps.done(rows.length);
  }
  return sum.sum;
}

async function rowsOf(mirror: CopyReadable): Promise<number> {
  let rows = 0;
  for (const table of COPIED_TABLES) rows += await mirror.count(table);
  return rows;
}
