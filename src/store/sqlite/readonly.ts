import Database from 'better-sqlite3';
import { DatabaseError } from '../../model/errors.ts';
import { explain } from './failure.ts';
import { assertFile, databasePath } from './file.ts';
import { assertNode } from './node.ts';
import { assertMirror } from './identity.ts';
import { explainRead, prepareRead } from './read-statement.ts';

/** How long a read waits for a lock, in ms. In WAL mode it waits only while a crash is being recovered. */
const BUSY_MS = 5_000;

/** A value of SQLite's: integers as bigint, so that none loses digits. */
export type SqlValue = null | string | number | bigint | Buffer;

/** Values by name. Numbers are bound as REAL, so give integers as bigint. */
export type SqlParameters = Readonly<Record<string, null | string | number | bigint>>;

/** Where a column's values come from: a column of a table, also through a view. Nulls for what is computed. */
export interface ColumnOrigin {
  column: string | null;
  /** As the table declares it: TEXT, INTEGER. */
  type: string | null;
}

export interface QueryResult {
  columns: string[];
  /** One for each column. */
  origins: ColumnOrigin[];
  /** Read once, row by row as they are asked for; stop early by leaving the loop. */
  rows: Iterable<SqlValue[]>;
}

/** A mirror opened so that nothing can change it, while other processes may go on writing to it. */
export interface ReadOnlyMirror {
  /**
   * Runs one SELECT, WITH, VALUES or EXPLAIN statement. All rows are as they stood when the first was read,
   * which keeps the WAL from being cut back until the last. Throws UsageError for SQL that is refused or wrong
   * (from the rows too: malformed JSON shows only when it is met) and DatabaseError where the file is at
   * fault. A statement that computes for ever cannot be stopped from within this process. `parameters`: values
   * for the statement's named parameters (:name, @name, $name); each that it names must be given.
   */
  run(sql: string, parameters?: SqlParameters): QueryResult;
  /**
   * The names of the statement's parameters without their mark (:since is `since`, ?1 is `1`), in the order of
   * their first use. Throws UsageError for SQL that is refused or wrong, and for a parameter without a name.
   */
  parametersOf(sql: string): string[];
  close(): void;
}

/**
 * Opens a mirror for reading. Throws DatabaseError where the file is missing, cannot be read, is no mirror, or
 * has another schema than this program's, and UsageError where Node is too old.
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

/** @internal The connection behind {@link openForQuery}, for checks that need more than queries. */
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

/** better-sqlite3 does not tell the names, but asks for the value of each: whoever is asked learns them. */
function parametersOf(db: Database.Database, file: string, sql: string): string[] {
  const names = new Set<string>();
  const values = new Proxy<Record<string, null>>(
    {},
    {
      getOwnPropertyDescriptor(_, name) {
        names.add(String(name));
        return { value: null, configurable: true };
      },
      // Not what every object inherits, such as its constructor.
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

/** A generator, so that nothing is read (and no snapshot held) before the first row is asked for. */
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
