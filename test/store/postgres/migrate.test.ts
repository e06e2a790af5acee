import { Kysely } from 'kysely';
import { Pool } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { migrate, OwnSchemaDialect } from '../../../src/store/postgres/migrate.ts';
import { describeWithServer, execute, targetOf, temporarySchema } from '../../support/postgres/server.ts';

describeWithServer('migrating a schema of PostgreSQL', () => {
  test('looks at no table of others, which may be dropped at the same moment', async () => {
    const [{ url, schema }, others] = [temporarySchema(), temporarySchema()];
    await execute(url, `create schema ${others.schema}; create table ${others.schema}.t (id serial)`);
    const pool = new Pool({ connectionString: url, max: 1 });
    const db = new Kysely<unknown>({ dialect: new OwnSchemaDialect(pool, schema) });
    onTestFinished(() => db.destroy());
    expect(await db.introspection.getSchemas()).toEqual([]);
    await migrate(targetOf(url, { schema }));
    const tables = await db.introspection.getTables();
    expect(new Set(tables.map((table) => table.schema))).toEqual(new Set([schema]));
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['kysely_migration', 'tasks']));
    expect(await db.introspection.getSchemas()).toEqual([{ name: schema }]);
  });
});
