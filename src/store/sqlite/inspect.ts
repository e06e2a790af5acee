import Database from 'better-sqlite3';
import { DatabaseError, hasCode } from '../../model/errors.ts';
import { explain } from './failure.ts';
import { openReadOnly } from './readonly.ts';
import { isOnlySearchIndex } from './soundness.ts';

/** Most problems that a check lists. */
const SHOWN = 5;
/** Most lines that SQLite may return: it reports unused space with a line for each page. */
const LINES = 1_000_000;

/** The result of a check of a whole file. */
export interface FileCheck {
  /** One line each, at most 5; empty: the file is sound. */
  problems: string[];
  /** The damaged part; null if none. The search index can be rebuilt from the tasks. */
  damage: 'search_index' | 'database' | null;
}

/** Returns the version of the SQLite library in this process. */
export function sqliteVersion(): string {
  const db = new Database(':memory:');
  try {
    return String(db.prepare('select sqlite_version()').pluck().get());
  } finally {
    db.close();
  }
}

/**
 * Reads the whole file and reports what SQLite finds wrong with it
 * (sqlite.org/pragma.html#pragma_quick_check). Throws DatabaseError if it cannot be read as a mirror at all.
 */
export function quickCheck(file: string): FileCheck {
  return check(file, (db) => linesOf(db, 'quick_check'));
}

/**
 * Checks the whole file, its indexes and its foreign keys (sqlite.org/pragma.html#pragma_integrity_check).
 * Throws DatabaseError if it cannot be read as a mirror at all.
 */
export function integrityCheck(file: string): FileCheck {
  return check(file, (db) => {
    const orphans = db
      .prepare<[], string>('select distinct "table" from pragma_foreign_key_check')
      .pluck()
      .all();
    return [
      ...linesOf(db, 'integrity_check'),
      ...orphans.map((table) => `rows of ${table} refer to rows that do not exist`),
    ];
  });
}

function check(file: string, read: (db: Database.Database) => string[]): FileCheck {
  const db = openToCheck(file);
  try {
    const problems = read(db);
    if (problems.length === 0) return { problems, damage: null };
    const damage = isOnlySearchIndex(db, problems) ? 'search_index' : 'database';
    return { problems: problems.slice(0, SHOWN), damage };
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    if (isOnlySearchIndex(db, [])) {
      return { problems: [`search index: ${error.message}`], damage: 'search_index' };
    }
    throw error.code === 'SQLITE_CORRUPT' ? damaged(file, error) : explain(error, file);
  } finally {
    db.close();
  }
}

/** Opens a file; if it is too damaged for that, there is nothing left to check. */
function openToCheck(file: string): Database.Database {
  try {
    return openReadOnly(file);
  } catch (error) {
    if (!hasCode(error, 'database_damaged') || !(error.cause instanceof Error)) throw error;
    throw damaged(file, error.cause);
  }
}

function damaged(file: string, cause: Error): DatabaseError {
  const facts = { file, isChecked: true };
  return new DatabaseError('database_damaged', facts, `${file} is damaged: ${cause.message}`, { cause });
}

function linesOf(db: Database.Database, pragma: 'quick_check' | 'integrity_check'): string[] {
  return db
    .prepare<[], string>(`pragma ${pragma}(${LINES})`)
    .pluck()
    .all()
    .flatMap((text) => text.split('\n'))
    .filter((line) => line !== 'ok' && !HARMLESS.test(line));
}

/** A heading, and the remains of an index that could not be dropped page by page. */
const HARMLESS = /^(?:\*\*\* in database main \*\*\*|Page \d+: never used)$/;
