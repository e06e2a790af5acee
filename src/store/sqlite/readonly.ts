import Database from 'better-sqlite3';
import { DatabaseError } from '../../model/errors.ts';
import type { SqlParameters } from '../queryable.ts';
import { explain } from './failure.ts';
import { assertFile, databasePath } from './file.ts';
import { assertNode } from './node.ts';
import { assertMirror } from './identity.ts';
import { explainRead, prepareRead } from './read-statement.ts';

/** Longest wait of a read for a lock, in ms. In WAL mode it waits only while a crash is being recovered. */
const BUSY_MS = 5_000;

/** A value as SQLite returns it: integers as bigint, so that none loses digits. */
export type SqlValue = null | string | number | bigint | Buffer;

/** The origin of a column's values: a column of a table, also through a view. Nulls if computed. */
export interface ColumnOrigin {
  column: string | null;
  /** As the table declares it: TEXT, INTEGER. */
  type: string | null;
}

export interface QueryResult {
  columns: string[];
  /** One for each column. */
  origins: ColumnOrigin[];
  /** Read once, row by row on demand; leave the loop to stop early. */
  rows: Iterable<SqlValue[]>;
}

/** A mirror that is open read-only, while other processes may go on writing to it. */
export interface ReadOnlyMirror {
  /**
   * Runs one SELECT, WITH, VALUES or EXPLAIN statement. All rows are from the moment when the first is read,
   * which keeps the WAL from being cut back until the last. Throws UsageError for SQL that is refused or
   * wrong (from the rows too: malformed JSON shows only when it is met) and DatabaseError if the file is at
   * fault. A statement that computes for ever cannot be stopped from within this process. `parameters`:
   * values for the statement's named parameters (:name, @name, $name); each that it names must be given.
   */
  run(sql: string, parameters?: SqlParameters): QueryResult;
  /**
   * Returns the names of the statement's parameters without their mark (:since is `since`, ?1 is `1`), in
   * order of first use. Throws UsageError for SQL that is refused or wrong, and for a parameter without a
   * name.
   */
  parametersOf(sql: string): string[];
  close(): void;
}

/**
 * Opens a mirror for reading. Throws DatabaseError if the file is missing, cannot be read, is not a mirror,
 * or has another schema than this program's, and UsageError if Node is too old.
 */
export function openForQuery(file: string): ReadOnlyMirror {
  const db = openReadOnly(file);
  return {
    run: (sql, parameters = {}) => run(db, file, sql, parameters),
    parametersOf: (sql) => parametersOf(db, file, sql),
    close: () => {
      db.close();
    },
  };
}

/** @internal Opens the connection behind {@link openForQuery}, for checks that need more than queries. */
export function openReadOnly(name: string): Database.Database {
  assertNode();
  // Absolute, because a name like ":memory:" means something else to SQLite.
  const file = databasePath(name);
  assertFile(file);
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
    assertMirror(db, file);
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof Database.SqliteError && /^SQLITE_(CANTOPEN|READONLY)/.test(error.code))
      throw unreadable(file, error);
    throw explain(error, file);
  }
}

function unreadable(file: string, cause: Error): DatabaseError {
  return new DatabaseError('database_not_readable', { file }, `${file} cannot be opened for reading`, {
    cause,
  });
}

function run(db: Database.Database, file: string, sql: string, parameters: SqlParameters): QueryResult {
  try {
    const statement = prepareRead<SqlValue[]>(db, sql).raw(true).safeIntegers(true);
    const columns = statement.columns();
    return {
      columns: columns.map(({ name }) => name),
      origins: columns.map(({ column, type }) => ({ column, type })),
      rows: rowsOf(statement, parameters, (error) => explainRead(error, db, file, sql)),
    };
  } catch (error) {
    throw explainRead(error, db, file, sql);
  }
}

/** Returns the names. better-sqlite3 does not report them, but asks this proxy for the value of each. */
function parametersOf(db: Database.Database, file: string, sql: string): string[] {
  const names = new Set<string>();
  const values = new Proxy<Record<string, null>>(
    {},
    {
      getOwnPropertyDescriptor(_, name) {
        names.add(String(name));
        return { value: null, configurable: true };
      },
      // Hides what every object inherits, such as its constructor.
      get: () => null,
    },
  );
  try {
    prepareRead(db, sql).bind(values);
  } catch (error) {
    throw explainRead(error, db, file, sql);
  }
  return [...names];
}

/** Yields rows. As a generator it reads nothing, and holds no snapshot, before the first row is asked for. */
function* rowsOf<Row>(
  statement: Database.Statement<[SqlParameters], Row>,
  parameters: SqlParameters,
  explained: (error: unknown) => unknown,
): Generator<Row, void> {
  try {
    yield* statement.iterate(parameters);
  } catch (error) {
    throw explained(error);
  }
}
