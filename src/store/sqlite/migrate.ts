import type Database from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  sql,
} from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { migrations } from '../../../migrations/sqlite/index.ts';
import { takenError } from '../sql/copy-errors.ts';
import { foldError } from '../sql/error-group.ts';
import { APPLICATION_ID, inspect, SCHEMA_VERSION } from './identity.ts';

/**
 * Brings the schema up to date, all of it or nothing, however many processes try at once.
 *
 * Kysely neither locks nor wraps migrations on SQLite, so its Migrator runs inside one immediate transaction:
 * a second process waits, and then finds nothing left to do. Migrations may call `fold_error(text)`. The
 * file becomes one of this `applicationId`.
 */
export async function migrate(db: Database.Database, applicationId = APPLICATION_ID): Promise<void> {
  db.function('fold_error', { deterministic: true }, (error: string) => foldError(error));
  const kysely = new Kysely<unknown>({ dialect: new MigrationDialect({ database: db }) });
  await kysely.transaction().execute(async (transaction) => {
    const migrator = new Migrator({
      db: transaction,
      provider: { getMigrations: loadMigrations },
    });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
    assertSame(db, applicationId);
    await sql.raw(`pragma application_id = ${applicationId}`).execute(transaction);
    await sql.raw(`pragma user_version = ${SCHEMA_VERSION}`).execute(transaction);
  });
}

/** Throws if another process has made something else of the file meanwhile: a mirror, or a copy of one. */
function assertSame(db: Database.Database, applicationId: number): void {
  const found = Number(db.pragma('application_id', { simple: true }));
  if (found === 0 || found === applicationId) return;
  inspect(db, db.name);
  throw takenError(db.name, 'mirror');
}

async function loadMigrations(): Promise<Record<string, Migration>> {
  const loaded = Object.entries(migrations).map(async ([name, load]) => [name, await load()] as const);
  return Object.fromEntries(await Promise.all(loaded));
}

class MigrationDialect extends SqliteDialect {
  readonly #config: { database: Database.Database };

  constructor(config: { database: Database.Database }) {
    super(config);
    this.#config = config;
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver(this.#config);
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalDdlAdapter();
  }
}

class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class ImmediateDriver extends SqliteDriver {
  readonly #db: Database.Database;

  constructor(config: { database: Database.Database }) {
    super(config);
    this.#db = config.database;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  /**
   * SQLite has already rolled back if the disk was full or failed: another rollback would hide that error.
   */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#db.inTransaction) await super.rollbackTransaction(connection);
  }
}
