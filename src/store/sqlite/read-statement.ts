import Database from 'better-sqlite3';
import type { UsageFacts } from '../../model/error-facts.ts';
import { UsageError } from '../../model/errors.ts';
import { explain, indexDamage, isIndexDamage } from './failure.ts';
import { isOnlySearchIndex } from './soundness.ts';

const SPACE_AND_COMMENTS = /^(?:\s|--[^\n]*|\/\*[^]*?(?:\*\/|$))*/;
const READ_STATEMENT = /^(?:explain\s+(?:query\s+plan\s+)?)?(?:select|values|with)\b/i;

/**
 * Prepares SQL from outside, if it is one statement that reads; else throws UsageError.
 *
 * The first word is checked before SQLite sees the text: many pragmas act while they are being prepared
 * (sqlite.org/pragma.html), and some that set something still count as read-only. `reader && readonly` then
 * tells a WITH that deletes from one that selects; ATTACH and VACUUM INTO pass neither test.
 */
export function prepareRead<Row>(
  db: Database.Database,
  sql: string,
): Database.Statement<[Readonly<Record<string, unknown>>], Row> {
  assertReadStatement(sql);
  const statement = db.prepare<[Readonly<Record<string, unknown>>], Row>(sql);
  if (!statement.reader || !statement.readonly) throw refused('it would write to the database');
  return statement;
}

function assertReadStatement(sql: string): void {
  // SQLite stops reading at a NUL: it would silently ignore the rest.
  if (sql.includes('\0')) throw refused('it holds a NUL character');
  const statement = sql.replace(SPACE_AND_COMMENTS, '');
  if (statement === '') throw refused('it is empty');
  if (READ_STATEMENT.test(statement)) return;
  const firstWord = /^\w{1,20}/.exec(statement)?.[0];
  throw refused(firstWord === undefined ? 'it is no query' : `it begins with ${firstWord.toUpperCase()}`);
}

function refused(why: string): UsageError {
  return new UsageError('sql_refused', { engine: 'sqlite' }, `this SQL was refused: ${why}`);
}

/** Codes about the file, its disk or its locks. Every other code is about the statement. */
const FILE_CODES = /^SQLITE_(BUSY|CANTOPEN|CORRUPT|FULL|IOERR|LOCKED|NOMEM|NOTADB|PERM|PROTOCOL|READONLY_)/;

/** Part of better-sqlite3's message for several statements or none. */
const REFUSALS = /supplied SQL string/;
/** Part of its message if a parameter has no value or no name. */
const PARAMETERS = /parameter/;

/**
 * Turns an error of preparing or running `sql` into a UsageError or DatabaseError; returns others as they
 * are.
 */
export function explainRead(error: unknown, db: Database.Database, file: string, sql: string): unknown {
  if (error instanceof Database.SqliteError) {
    if (error.code === 'SQLITE_CORRUPT' && isOnlySearchIndex(db, [])) return indexDamage(error, file);
    if (FILE_CODES.test(error.code) || isIndexDamage(error)) return explain(error, file);
    const names = namesFor(error.message, db, sql);
    return new UsageError('sql_failed', names, `SQLite cannot run this SQL: ${error.message}`, {
      cause: error,
    });
  }
  if (error instanceof RangeError || error instanceof TypeError) {
    if (REFUSALS.test(error.message)) return refused(error.message);
    if (PARAMETERS.test(error.message)) {
      return new UsageError(
        'sql_parameters',
        {},
        `this SQL cannot be given its parameters: ${error.message}`,
        { cause: error },
      );
    }
  }
  return error;
}

/** Returns the names that could have been meant, if SQLite did not know one. */
function namesFor(message: string, db: Database.Database, sql: string): UsageFacts['sql_failed'] {
  const unknown = /^no such (table|column): /.exec(message)?.[1];
  const nothing = { tables: [], columns: {}, isOfSqlite: false };
  if (unknown === undefined) return nothing;
  const tables = tablesOf(db);
  if (unknown === 'table') return { ...nothing, tables };
  const words = new Set(sql.toLowerCase().match(/\w+/g));
  const named = tables.filter((table) => words.has(table.toLowerCase()));
  return { ...nothing, columns: Object.fromEntries(named.map((table) => [table, columnsOf(db, table)])) };
}

/** Lists tables, except SQLite's own and the migrations'. */
function tablesOf(db: Database.Database): string[] {
  return db
    .prepare<[], string>(
      `select name from pragma_table_list
       where schema = 'main' and type in ('table', 'view', 'virtual')
         and name not like 'sqlite~_%' escape '~' and name not like 'kysely~_%' escape '~'
       order by name`,
    )
    .pluck()
    .all();
}

function columnsOf(db: Database.Database, table: string): string[] {
  return db.prepare<[string], string>('select name from pragma_table_info(?)').pluck().all(table);
}
