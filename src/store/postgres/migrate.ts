import { Kysely, PostgresDialect } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { Pool } from 'pg';
import { migrations } from '../../../migrations/postgres/index.ts';
import { clientWith } from './client.ts';
import { explain } from './failure.ts';
import { prefixOf } from './names.ts';
import { destinationOf, type PostgresTarget } from './target.ts';

/**
 * Brings the schema up to date, all of it or nothing, however many processes try at once: kysely's Migrator
 * works in one transaction here, under an advisory lock of that transaction. `more` is done in the same
 * transaction. Throws DatabaseError.
 */
export async function migrate(
  target: PostgresTarget,
  more?: (db: Kysely<unknown>) => Promise<void>,
): Promise<void> {
  const { name, config } = destinationOf(target, 'taskmirror');
  const pool = new Pool({ Client: clientWith(config), max: 1 });
  pool.on('error', () => {});
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    if (more === undefined) await migrateOn(db, target.schema);
    else {
      await db.transaction().execute(async (transaction) => {
        await migrateOn(transaction, target.schema);
        await more(transaction);
      });
    }
  } catch (error) {
    throw explain(error, name, 'connecting');
  } finally {
    await db.destroy();
  }
}

/** Does the same on a database that is open. Throws the driver's errors. */
export async function migrateOn(db: Kysely<unknown>, schema: string): Promise<void> {
  const s = prefixOf(schema);
  const getMigrations = async (): Promise<Record<string, Migration>> => {
    const loaded = Object.entries(migrations).map(async ([name, load]) => {
      const migration = await load();
      return [name, { up: (on: Kysely<unknown>) => migration.up(on, s) }] as const;
    });
    return Object.fromEntries(await Promise.all(loaded));
  };
  const migrator = new Migrator({ db, migrationTableSchema: schema, provider: { getMigrations } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
