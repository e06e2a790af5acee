import { connect, type Database } from './connection.ts';
import { sqlStateOf } from './failure.ts';
import { quoted } from './names.ts';
import { assertSuitable, SUITABILITY, type Suitability } from './suitable.ts';
import type { PostgresTarget } from './target.ts';

/** Another process has just made a schema of this name. */
const EXISTS = /^(?:42P06|23505)$/;

/**
 * Makes the target's schema, empty. Returns false if there is one of its name, which is left alone. Throws
 * DatabaseError, also if the database cannot hold a mirror.
 */
export async function makeSchema(target: PostgresTarget): Promise<boolean> {
  return within(target, async (db) => {
    const [database] = await db.query<Suitability>(SUITABILITY);
    if (database !== undefined) assertSuitable(db.name, database);
    // A role that may make none shall hear of the one that is there, too.
    const existing = await db.query('select from pg_namespace where nspname = $1', [target.schema]);
    if (existing.length > 0) return false;
    try {
      await db.query(`create schema ${quoted(target.schema)}`);
      return true;
    } catch (error) {
      if (EXISTS.test(sqlStateOf(error) ?? '')) return false;
      throw error;
    }
  });
}

/** Drops the target's schema with all that it holds. Throws DatabaseError. */
export async function dropSchema(target: PostgresTarget): Promise<void> {
  await within(target, (db) => db.query(`drop schema if exists ${quoted(target.schema)} cascade`));
}

async function within<T>(target: PostgresTarget, work: (db: Database) => Promise<T>): Promise<T> {
  const db = connect(target, { max: 1 });
  try {
    return await work(db);
  } finally {
    await db.end();
  }
}
