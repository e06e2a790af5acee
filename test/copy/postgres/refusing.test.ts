import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { APPLICATION_ID, COPYING_ID } from '../../../src/store/sqlite/identity.ts';
import { migrate } from '../../../src/store/sqlite/migrate.ts';
import { A, changeOf, mirrorTask } from '../../contracts/mirror-store/kit.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, execute } from '../../support/postgres/server.ts';
import { codeOf, copy, mirrorWithEverything, newFile, newSchema, openStore, schemaAt } from './kit.ts';

/** A copy that was begun, and holds nothing yet. */
async function begun(to: ReturnType<typeof newFile> | ReturnType<typeof newSchema>): Promise<void> {
  const file = newFile();
  await mirrorWithEverything(file.file);
  const target = await to.target(await file.origin());
  await target.close();
}

describeWithServer('a copy is refused, and nothing is written', () => {
  test('where a mirror is, even an empty one, and the mirror itself', async () => {
    const [file, other] = [newFile(), newFile()];
    await mirrorWithEverything(file.file);
    await (await openStore(other.file)).close();
    const mirror = await serverMirror();
    await mirror.open();
    const there = schemaAt(mirror.url, mirror.schema);
    for (const to of [other, there, file])
      expect(await codeOf(() => copy(file, to))).toBe('copy_target_taken');
    expect(await codeOf(() => copy(there, there))).toBe('copy_target_taken');
    expect(await (await mirror.open()).status()).toEqual([]);
  });

  test('where another program has a database', async () => {
    const [file, other, text] = [newFile(), newFile(), newFile()];
    await mirrorWithEverything(file.file);
    const db = new Database(other.file);
    db.exec('create table mine (x)');
    db.close();
    writeFileSync(text.file, 'no database at all, but a text of more than a hundred bytes '.repeat(20));
    for (const to of [other, text]) {
      const before = readFileSync(to.file);
      expect(await codeOf(() => copy(file, to))).toBe('database_foreign');
      expect(readFileSync(to.file).equals(before)).toBe(true);
    }
    const schema = newSchema();
    await execute(
      schema.url,
      `create schema "${schema.schema}"; create table "${schema.schema}".tasks (mine int)`,
    );
    expect(await codeOf(() => copy(file, schema))).toBe('postgres_failed');
    const tables = `select table_name from information_schema.tables where table_schema = $1`;
    expect(await execute(schema.url, tables, [schema.schema])).toEqual([{ table_name: 'tasks' }]);
  });

  test('where the copy of another mirror is not finished, or one of another version', async () => {
    for (const to of [newFile(), newSchema()]) {
      const file = newFile();
      await mirrorWithEverything(file.file);
      await begun(to);
      await expect(copy(file, to)).rejects.toMatchObject({
        code: 'copy_target_taken',
        facts: { why: 'other_copy' },
      });
    }
    const [file, other, schema] = [newFile(), newFile(), newSchema()];
    await mirrorWithEverything(file.file);
    const origin = await file.origin();
    for (const to of [other, schema]) await (await to.target(origin)).close();
    const db = new Database(other.file);
    db.pragma('user_version = 1');
    db.close();
    await execute(schema.url, `insert into "${schema.schema}".kysely_migration values ('0009_later', '')`);
    for (const to of [other, schema]) {
      await expect(copy(file, to)).rejects.toMatchObject({ facts: { why: 'other_version' } });
    }
  });

  test('without a mirror to copy: no file is made then', async () => {
    const to = newFile();
    expect(await codeOf(() => copy(newFile(), to))).toBe('database_missing');
    expect(await codeOf(() => copy(newSchema(), to))).toBe('mirror_missing');
    expect(existsSync(to.file)).toBe(false);
  });
});

describeWithServer('while a copy is made', () => {
  test('a store that was opened before cannot write there', async () => {
    const mirror = await serverMirror();
    const store = await mirror.open();
    await execute(
      mirror.url,
      `insert into "${mirror.schema}".kysely_migration values ('zzzz_copy_unfinished', '');
      create table "${mirror.schema}".copy_state (origin text); insert into "${mirror.schema}".copy_state values ('x')`,
    );
    expect(await codeOf(() => store.claim(A))).toBe('copy_unfinished');
    expect(await execute(mirror.url, `select * from "${mirror.schema}".sources`)).toEqual([]);
  });

  test('a role that may only read copies a mirror in PostgreSQL', async () => {
    const mirror = await serverMirror();
    const claim = await (await mirror.open()).claim(A);
    await claim.commit(changeOf({ tasks: [mirrorTask('x')] }));
    await claim.release();
    const role = `reader_${mirror.schema}`;
    await execute(
      mirror.url,
      `create role "${role}" login; grant usage on schema "${mirror.schema}" to "${role}";
      grant select on all tables in schema "${mirror.schema}" to "${role}"`,
    );
    try {
      const url = mirror.url.replace(/:\/\/[^@]*@/, `://${role}@`);
      const to = newFile();
      expect((await copy(schemaAt(url, mirror.schema), to)).every(({ isExact }) => isExact)).toBe(true);
    } finally {
      await execute(mirror.url, `drop owned by "${role}"; drop role "${role}"`);
    }
  });

  test('two more that begin at once have the same copy, and one at most ends it', async () => {
    const file = newFile();
    await mirrorWithEverything(file.file);
    const to = newSchema();
    const codes = await Promise.all([1, 2, 3].map(() => codeOf(() => copy(file, to))));
    expect(codes.filter((code) => code === null).length).toBeLessThanOrEqual(1);
    if (!codes.includes(null)) await copy(file, to);
    expect((await copy(to, newFile())).every(({ isExact }) => isExact)).toBe(true);
  });

  test('a file that was empty a moment ago stays what another process has made of it', async () => {
    for (const [first, second, code] of [
      [COPYING_ID, APPLICATION_ID, 'copy_unfinished'],
      [APPLICATION_ID, COPYING_ID, 'copy_target_taken'],
    ] as const) {
      const { file } = newFile();
      const db = new Database(file);
      await migrate(db, first);
      expect(await codeOf(() => migrate(db, second))).toBe(code);
      expect(db.pragma('application_id', { simple: true })).toBe(first);
      db.close();
    }
  });
});
