import Database from 'better-sqlite3';
import { explain } from './failure.ts';
import { openReadOnly } from './readonly.ts';

/** Problems that {@link quickCheck} lists at most. */
const PROBLEMS = 5;

/** The version of the SQLite library in this process. */
export function sqliteVersion(): string {
  const db = new Database(':memory:');
  try {
    return String(db.prepare('select sqlite_version()').pluck().get());
  } finally {
    db.close();
  }
}

/**
 * Reads the whole file and returns what SQLite finds wrong with it (sqlite.org/pragma.html#pragma_quick_check),
 * at most 5 problems; none: it is sound. Throws DatabaseError where it cannot be read as a mirror at all.
 */
export function quickCheck(file: string): string[] {
  const db = openReadOnly(file);
  try {
    const lines = db.prepare<[], string>(`pragma quick_check(${PROBLEMS})`).pluck().all();
    return lines.filter((line) => line !== 'ok');
  } catch (error) {
    throw explain(error, file);
  } finally {
    db.close();
  }
}

/**
 * Checks the whole file, its indexes and its foreign keys (sqlite.org/pragma.html#pragma_integrity_check); nothing where
 * it is sound. Throws DatabaseError where it cannot be read as a mirror at all.
 */
export function integrityCheck(file: string): string[] {
  const db = openReadOnly(file);
  try {
    const lines = db.prepare<[], string>(`pragma integrity_check(${PROBLEMS})`).pluck().all();
    const orphans = db
      .prepare<[], string>('select distinct "table" from pragma_foreign_key_check')
      .pluck()
      .all();
    return [
      ...lines.filter((line) => line !== 'ok'),
      ...orphans.map((table) => `rows of ${table} refer to rows that do not exist`),
    ];
  } catch (error) {
    throw explain(error, file);
  } finally {
    db.close();
  }
}
