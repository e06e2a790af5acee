import { randomBytes } from 'node:crypto';
import type { Clock } from '../../model/clock.ts';
import { utcText } from '../../model/task.ts';
import type { CopiedTable, CopyRow, CopyTarget, CopyWritten } from '../copyable.ts';
import { placesIn } from '../sql/copied-columns.ts';
import { takenError, takenOverError } from '../sql/copy-errors.ts';
import { encoder, fitted } from './copy-cells.ts';
import { connect } from './connection.ts';
import { connectToCopy, type CopyConnection } from './copy-connection.ts';
import { readable } from './copy-rows.ts';
import { finishSql, OF_TASKS, removeSql, unknownTasksSql, writeSql } from './copy-sql.ts';
import { divide } from './copy-unstorable.ts';
import { COPY_MARK, inspect, placeOf, SCHEMA_VERSION } from './identity.ts';
import { prefixOf } from './names.ts';
import { encodeNul } from './nul.ts';
import type { PostgresTarget } from './target.ts';

export interface CopyTargetOptions {
  /** The most rows of a batch. */
  batchRows?: number;
  clock: Clock;
}

/**
 * Begins the copy of `origin` in a schema without a mirror, or goes on with it. Whoever began it before stops
 * at its next write. Throws UsageError if the schema holds something else, and DatabaseError.
 */
export async function openCopyTarget(
  target: PostgresTarget,
  origin: string,
  options: CopyTargetOptions,
): Promise<CopyTarget> {
  const connection = await connectToCopy(target);
  try {
    const token = randomBytes(16).toString('hex');
    await begin(connection, target, origin);
    const s = prefixOf(target.schema);
    await connection.query(`update ${s}copy_state set token = $1 where origin = $2`, [token, origin]);
    return new PostgresCopyTarget(connection, { s, token, schema: target.schema, ...options });
  } catch (error) {
    await connection.end();
    throw error;
  }
}

/** Makes the tables if there are none. Throws UsageError unless they are those of a copy of `origin`. */
async function begin(connection: CopyConnection, target: PostgresTarget, origin: string): Promise<void> {
  const { schema } = target;
  const place = placeOf(connection.name, schema);
  let found = await inspect(connection, schema);
  if (found.kind === 'none') {
    try {
      await makeTables(target, origin);
    } catch (error) {
      // Another process may have been first.
      if ((await inspect(connection, schema)).kind === 'none') throw error;
    }
    found = await inspect(connection, schema);
  }
  if (found.kind !== 'copy') throw takenError(place, 'mirror');
  if (found.origin !== origin) throw takenError(place, 'other_copy', found.origin);
  if (found.version !== SCHEMA_VERSION) throw takenError(place, 'other_version', origin);
}

/** Makes them together with the mark: nobody ever sees them as a mirror. */
async function makeTables(target: PostgresTarget, origin: string): Promise<void> {
  const { migrate } = await import('./migrate.ts');
  const s = prefixOf(target.schema);
  const db = connect(target, { max: 1 });
  try {
    await migrate(db, target.schema, async (query) => {
      await query(`create table ${s}copy_state (
        origin text not null, token text not null, writes bigint not null default 0
      )`);
      await query(`insert into ${s}copy_state (origin, token) values ($1, '')`, [origin]);
      await query(`insert into ${s}kysely_migration (name, timestamp) values ($1, '')`, [COPY_MARK]);
    });
  } finally {
    await db.end();
  }
}

interface CopyPlace extends CopyTargetOptions {
  /** The quoted name of the schema with a dot. */
  s: string;
  schema: string;
  token: string;
}

class PostgresCopyTarget implements CopyTarget {
  readonly name: string;
  readonly count: CopyTarget['count'];
  readonly batches: CopyTarget['batches'];
  readonly find: CopyTarget['find'];
  readonly #connection: CopyConnection;
  readonly #place: CopyPlace;

  constructor(connection: CopyConnection, place: CopyPlace) {
    this.#connection = connection;
    this.#place = place;
    this.name = placeOf(connection.name, place.schema);
    const { s, batchRows } = place;
    const { count, batches, find } = readable(connection, s, { batchRows, inTransaction: false });
    this.count = count;
    this.batches = batches;
    this.find = find;
  }

  async write(table: CopiedTable, rows: readonly CopyRow[]): Promise<CopyWritten> {
    if (table !== 'tasks') return { ...(await this.#insert(table, rows)), setAside: [] };
    const insert = async (some: readonly CopyRow[]): Promise<void> => void (await this.#insert(table, some));
    const { storable, setAside } = await divide(rows, insert, utcText(this.#place.clock.now()));
    const aside = await this.#insert('rejected_rows', setAside);
    return { rows: storable, setAside: aside.rows, leftOut: 0 };
  }

  async remove(table: CopiedTable, rows: readonly CopyRow[]): Promise<void> {
    await this.#held(removeSql(this.#place.s, table), rows.map(encoder(table)));
  }

  async finish(): Promise<void> {
    const { query, ask } = this.#connection;
    const { s, token } = this.#place;
    for (const table of ['tasks', 'task_changes']) await query(`analyze ${s}${table}`);
    const { hold, rest } = finishSql(s);
    await query('begin isolation level read committed');
    try {
      const [row] = await ask(hold, [token]);
      if (row?.[0] !== true) throw takenOverError(this.name);
      await query(`delete from ${s}kysely_migration where name = $1`, [COPY_MARK]);
      for (const statement of rest) await query(statement);
      await query('commit');
    } catch (error) {
      await query('rollback').catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#connection.end();
  }

  async #insert(
    table: CopiedTable,
    rows: readonly CopyRow[],
  ): Promise<{ rows: readonly CopyRow[]; leftOut: number }> {
    if (rows.length === 0) return { rows, leftOut: 0 };
    const fit = rows.map((row) => fitted(table, row));
    const written = await this.#held(writeSql(this.#place.s, table), fit.map(encoder(table)));
    if (written === rows.length || !OF_TASKS.has(table)) return { rows: fit, leftOut: 0 };
    const kept = await this.#ofTasks(table, fit);
    return { rows: kept, leftOut: fit.length - kept.length };
  }

  /** Returns the rows whose tasks are there. */
  async #ofTasks(table: CopiedTable, rows: readonly CopyRow[]): Promise<CopyRow[]> {
    const [place = 0] = placesIn(table, ['task_id']);
    const idOf = (row: CopyRow): string => encodeNul(String(row[place]));
    const ids = [...new Set(rows.map(idOf))];
    const found = await this.#connection.ask(unknownTasksSql(this.#place.s), [ids]);
    const unknown = new Set(found.map(([id]) => id));
    return rows.filter((row) => !unknown.has(idOf(row)));
  }

  /** Runs a statement that returns whether the copy is held, and maybe how many rows it wrote. */
  async #held(statement: string, rows: readonly object[]): Promise<number> {
    const [row] = await this.#connection.ask(statement, [this.#place.token, JSON.stringify(rows)]);
    if (row?.[0] !== true) throw takenOverError(this.name);
    return Number(row[1] ?? 0);
  }
}
