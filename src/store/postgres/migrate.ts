import { migrations } from '../../../migrations/postgres/index.ts';
import type { Database, Query } from './connection.ts';
import { prefixOf, quoted } from './names.ts';
import { assertSuitable, SUITABILITY, type Suitability } from './suitable.ts';

/** Time for a statement of a migration, which no other limit bounds, and for its turn. */
const UNLIMITED = { timeoutMs: Infinity };

/**
 * Brings the schema up to date, all of it or nothing, however many processes try at once: one transaction, under
 * an advisory lock that ends with it. The record of what was done is a table as kysely's Migrator has it; its
 * own Migrator gives the lock back before it commits, and reads the tables of all schemas, of which another may
 * just be dropped. `more` is done in the same transaction. Throws DatabaseError.
 */
export async function migrate(
  db: Database,
  schema: string,
  more: (query: Query) => Promise<void> = async () => {},
): Promise<void> {
  const s = prefixOf(schema);
  await db.transaction(async (query) => {
    await query(
      `select pg_advisory_xact_lock(hashtext('taskmirror'), hashtext($1))::text`,
      [schema],
      UNLIMITED,
    );
    await createSchema(query, schema);
    await query(`create table if not exists ${s}kysely_migration (
      name varchar(255) not null primary key, timestamp varchar(255) not null
    )`);
    const rows = await query<{ name: string }>(`select name from ${s}kysely_migration`);
    const done = new Set(rows.map(({ name }) => name));
    if (done.size === 0) {
      const [found] = await query<Suitability>(SUITABILITY);
      if (found !== undefined) assertSuitable(db.name, found);
    }
    for (const [name, load] of Object.entries(migrations)) {
      if (done.has(name)) continue;
      const migration = await load();
      await migration.up((statement) => query(statement, [], UNLIMITED), s);
      await query(`insert into ${s}kysely_migration (name, timestamp) values ($1, $2)`, [
        name,
        new Date().toISOString(),
      ]);
    }
    await more(query);
  });
}

/** A role may have no right to create schemas, and then asks in vain even for one that exists. */
async function createSchema(query: Query, schema: string): Promise<void> {
  const found = await query('select from pg_namespace where nspname = $1', [schema]);
  if (found.length === 0) await query(`create schema ${quoted(schema)}`);
}
