import { type DatabaseIntrospector, Kysely, PostgresDialect, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { Pool } from 'pg';
import { migrations } from '../../../migrations/postgres/index.ts';
import { clientWith } from './client.ts';
import { explain } from './failure.ts';
import { prefixOf } from './names.ts';
import { destinationOf, type PostgresTarget } from './target.ts';

/**
 * Brings the schema up to date, all of it or nothing, however many processes try at once: kysely's Migrator
 * works in one transaction here, under an advisory lock of that transaction. Throws DatabaseError.
 */
export async function migrate(target: PostgresTarget): Promise<void> {
  const { name, config } = destinationOf(target, 'taskmirror');
  const pool = new Pool({ Client: clientWith(config), max: 1 });
  pool.on('error', () => {});
  const db = new Kysely<unknown>({ dialect: new OwnSchemaDialect(pool, target.schema) });
  try {
    await migrateOn(db, target.schema);
  } catch (error) {
    throw explain(error, name, 'connecting');
  } finally {
    await db.destroy();
  }
}

/**
 * A dialect that looks at one schema. Kysely's own looks at every table of the database, and fails if somebody
 * drops one at that moment.
 */
export class OwnSchemaDialect extends PostgresDialect {
  readonly #schema: string;

  constructor(pool: Pool, schema: string) {
    super({ pool });
    this.#schema = schema;
  }

  override createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    const schema = this.#schema;
    return {
      async getSchemas() {
        const { rows } = await sql<{ name: string }>`
          select nspname::text as name from pg_catalog.pg_namespace where nspname = ${schema}`.execute(db);
        return rows;
      },
      async getTables() {
        const { rows } = await sql<{ name: string }>`
          select c.relname::text as name from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where n.nspname = ${schema} and c.relkind = 'r'`.execute(db);
        return rows.map(({ name }) => ({ name, schema, isView: false, isForeign: false, columns: [] }));
      },
    };
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
