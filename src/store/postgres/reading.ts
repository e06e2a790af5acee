import { escapeLiteral, type Client, type CustomTypesConfig } from 'pg';
import Cursor from 'pg-cursor';
import type { Batch, Cell } from '../queryable.ts';
import { quoted } from './names.ts';
import { encodeNul } from './nul.ts';

/** Rows and characters of a batch: if its rows are long, few are held in memory. */
const ROWS = 1_000;
const CHARACTERS = 256 * 1024;
/** Rows of the first batch, before anything is known of their length. */
const FIRST_ROWS = 25;
/** A batch has at most so many times the rows of the one before it: longer ones may follow. */
const GROWTH = 8;

/** A value of a parameter, as the driver sends it. */
export type Bound = null | string;

/** Returns a value as PostgreSQL reads it, of whatever type its parameter has. */
export function boundValue(value: null | string | number | bigint): Bound {
  if (value === null) return null;
  return typeof value === 'string' ? encodeNul(value) : String(value);
}

/**
 * Returns the statement that sets, for one transaction, all that the meaning of a query and its answer depend
 * on. Roles, databases and poolers have defaults for these. `timeoutMs`: 0 for none, undefined to leave the
 * limit of the role.
 */
export function settingsSql(schema: string, timeoutMs: number | undefined): string {
  const settings: Readonly<Record<string, string>> = {
    search_path: `${quoted(schema)}, pg_temp`,
    timezone: 'UTC',
    datestyle: 'ISO, YMD',
    intervalstyle: 'postgres',
    bytea_output: 'hex',
    extra_float_digits: '1',
    standard_conforming_strings: 'on',
    ...(timeoutMs === undefined ? {} : { statement_timeout: String(timeoutMs) }),
  };
  const sets = Object.entries(settings).map(
    ([name, value]) => `pg_catalog.set_config('${name}', ${escapeLiteral(value)}, true)`,
  );
  return `select ${[...sets, STOP_WHEN_ALONE].join(', ')}`;
}

/** Ends a long statement soon after this process has died. Not every system can notice that. */
const STOP_WHEN_ALONE = `case when pg_catalog.version() like '%linux%'
  then pg_catalog.set_config('client_connection_check_interval', '5s', true) end`;

/** Ends the transaction, and gives back locks that outlive it, which a pooler would hand on. */
export const ROLLBACK = 'rollback; select pg_catalog.pg_advisory_unlock_all()';

export interface Reading {
  client: Client;
  /** Of {@link settingsSql}. */
  settings: string;
  text: string;
  values: readonly Bound[];
  types: CustomTypesConfig;
  /** The most rows to read. */
  atMost: number;
}

/**
 * Runs one statement in a transaction that only reads and is always rolled back, and yields its rows. The
 * cursor is of the extended protocol, which takes no second statement. Throws the driver's errors.
 */
export async function* batchesOf({
  client,
  settings,
  text,
  values,
  types,
  atMost,
}: Reading): AsyncGenerator<Batch, void> {
  await client.query(`begin isolation level repeatable read read only; ${settings}`);
  try {
    const cursor = client.query(new Cursor<Cell[]>(text, [...values], { rowMode: 'array', types }));
    let left = atMost;
    let isWhole = false;
    try {
      for (let rows = FIRST_ROWS; left > 0 && !isWhole;) {
        const asked = Math.min(rows, left);
        const batch = await cursor.read(asked);
        isWhole = batch.length < asked;
        left -= batch.length;
        rows = Math.min(fitting(batch), asked * GROWTH);
        if (batch.length > 0) yield batch;
      }
    } finally {
      // Its answer is one that the rollback waits for; a connection that is lost would leave it open for ever.
      void cursor.close().catch(() => {});
    }
  } finally {
    await client.query(ROLLBACK);
  }
}

/** Returns the rows of a next batch if they are as long as these. */
function fitting(batch: Batch): number {
  let characters = 1;
  for (const row of batch) {
    for (const cell of row) {
      if (typeof cell === 'string' || cell instanceof Uint8Array) characters += cell.length;
    }
  }
  return Math.max(1, Math.min(ROWS, Math.floor((CHARACTERS * batch.length) / characters)));
}
