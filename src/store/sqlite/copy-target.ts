import { randomBytes } from 'node:crypto';
import Database from 'better-sqlite3';
import type { CopiedTable, CopyTarget } from '../copyable.ts';
import { COPIED_COLUMNS, OF_ONE_ROW } from '../sql/copied-columns.ts';
import { takenError, takenOverError } from '../sql/copy-errors.ts';
import { columnName, hasKey, keyIn, readable } from './copy-rows.ts';
import { explain, withFile } from './failure.ts';
import { databasePath, makePrivateFile } from './file.ts';
import { APPLICATION_ID, copiedFrom, COPYING_ID, inspect, SCHEMA_VERSION } from './identity.ts';
import { migrate } from './migrate.ts';
import { assertNode } from './node.ts';
import { BUSY_MS, prepareToWrite } from './open.ts';
import { emptyWal } from './wal.ts';

/** Memory for pages of the file, in KB: rows come in an order that fits none of the indexes. */
const CACHE_KB = 32_000;

/**
 * Begins the copy of `origin` in a file that is empty or not there, or goes on with it. Whoever began it before
 * stops at its next write. Throws UsageError if the file holds something else, and DatabaseError.
 */
export async function openCopyTarget(
  name: string,
  origin: string,
  options: { batchRows?: number } = {},
): Promise<CopyTarget> {
  assertNode();
  const file = databasePath(name);
  makePrivateFile(file);
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { fileMustExist: true, timeout: BUSY_MS });
    await begin(db, file);
    // Rows come as they are: those that refer to nothing, too.
    db.pragma('foreign_keys = off');
    db.pragma(`cache_size = -${CACHE_KB}`);
    const token = takeOver(db, file, origin);
    return targetOf(db, token, options);
  } catch (error) {
    db?.close();
    throw explain(error, file);
  }
}

/** Makes the tables in an empty file. Throws UsageError unless it is empty or has those of a copy. */
async function begin(db: Database.Database, file: string): Promise<void> {
  if (Number(db.pragma('application_id', { simple: true })) === COPYING_ID) {
    const version = Number(db.pragma('user_version', { simple: true }));
    if (version !== SCHEMA_VERSION) throw takenError(file, 'other_version');
    return prepareToWrite(db, { isEmpty: false });
  }
  if (inspect(db, file).kind === 'mirror') throw takenError(file, 'mirror');
  prepareToWrite(db, { isEmpty: true });
  await migrate(db, COPYING_ID);
}

/** Notes the origin and a token of this process, and returns the token. */
function takeOver(db: Database.Database, file: string, origin: string): string {
  const token = randomBytes(16).toString('hex');
  const take = db.transaction(() => {
    const begun = copiedFrom(db);
    if (begun !== null && begun !== origin) throw takenError(file, 'other_copy', begun);
    db.exec('drop table if exists copy_state');
    db.exec('create table copy_state (origin text not null, token text not null) strict');
    db.prepare('insert into copy_state (origin, token) values (?, ?)').run(origin, token);
  });
  take.immediate();
  return token;
}

function targetOf(db: Database.Database, token: string, options: { batchRows?: number }): CopyTarget {
  const file = db.name;
  /** Runs `work` in one transaction, if this process still has the copy. */
  const step = (work: () => void): void => {
    const transaction = db.transaction(() => {
      const isCopy = Number(db.pragma('application_id', { simple: true })) === COPYING_ID;
      const held = isCopy ? db.prepare('select token from copy_state').pluck().get() : undefined;
      if (held !== token) throw takenOverError(file);
      work();
    });
    withFile(file, () => transaction.immediate());
  };
  return {
    ...readable(db, options),

    async write(table, rows) {
      const insert = inserter(db, table);
      step(() => {
        // Nothing else would keep a second row out.
        if (OF_ONE_ROW.has(table)) db.exec(`delete from ${table}`);
        for (const row of rows) insert.run(...row);
      });
      return { rows, setAside: [], leftOut: 0 };
    },

    async remove(table, rows) {
      const key = keyIn(table);
      const remove = db.prepare(`delete from ${table} where ${hasKey(table)}`);
      step(() => {
        for (const row of rows) remove.run(...key(row));
      });
    },

    async finish() {
      step(() => {
        db.exec('drop table copy_state');
        db.pragma(`application_id = ${APPLICATION_ID}`);
      });
      withFile(file, () => emptyWal(db));
    },

    close: async () => void db.close(),
  };
}

/** Returns a statement that inserts a row, or replaces the one with its key. */
function inserter(db: Database.Database, table: CopiedTable): Database.Statement {
  const names = COPIED_COLUMNS[table].map(({ name }) => columnName(table, name));
  const values = names.map(() => '?');
  if (table === 'omitted_fields') {
    names.push('through');
    values.push('0');
  }
  return db.prepare(`insert or replace into ${table} (${names.join(', ')}) values (${values.join(', ')})`);
}
