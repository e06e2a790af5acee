import { expect, test } from 'vitest';
import { dropSchema, makeSchema } from '../../../src/store/postgres/own-schema.ts';
import { describeWithServer, execute, targetOf, temporarySchema } from '../../support/postgres/server.ts';
import { toldBy } from '../../support/told.ts';

const countOf = async (url: string, schema: string): Promise<number> =>
  (await execute(url, 'select from pg_namespace where nspname = $1', [schema])).length;

describeWithServer('a schema of its own', () => {
  test('is made by one of those who try at once, and dropped with all that it holds', async () => {
    const { url, schema } = temporarySchema();
    const target = targetOf(url, { schema });
    const made = await Promise.all([1, 2, 3, 4].map(() => makeSchema(target)));
    expect(made.filter((isMade) => isMade)).toEqual([true]);
    await execute(
      url,
      `create table "${schema}".t (); create view "${schema}".v as select from "${schema}".t`,
    );
    await dropSchema(target);
    expect(await countOf(url, schema)).toBe(0);
  });

  test('may have any name', async () => {
    const { url, schema } = temporarySchema();
    const target = targetOf(url, { schema: `${schema}"; drop schema "public` });
    expect([await makeSchema(target), await makeSchema(target)]).toEqual([true, false]);
    await dropSchema(target);
    expect([await countOf(url, target.schema), await countOf(url, 'public')]).toEqual([0, 1]);
  });

  test('is not made in a database that cannot hold a mirror', async () => {
    const { url, schema: name } = temporarySchema();
    await execute(url, `create database "${name}" encoding 'LATIN1' template template0`);
    try {
      const latin = url.replace(/\/[^/]*$/, `/${name}`);
      expect(await toldBy(makeSchema(targetOf(latin, { schema: 'demo' })))).toMatchObject({
        code: 'server_unsuitable',
        exitCode: 10,
      });
      expect(await countOf(latin, 'demo')).toBe(0);
    } finally {
      await execute(url, `drop database "${name}"`);
    }
  });
});
