import { expect, onTestFinished, test } from 'vitest';
import { DatabaseError } from '../../../src/model/errors.ts';
import { SCHEMA_VERSION } from '../../../src/store/postgres/identity.ts';
import { assertSuitable } from '../../../src/store/postgres/suitable.ts';
import { openPostgresReader, openPostgresStore } from '../../../src/store/postgres/store.ts';
import type { MirrorStore, SourceStatus } from '../../../src/store/store.ts';
import { A, B, changeOf, mirrorTask, RECORD, writes } from '../../contracts/mirror-store/kit.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { astrayRole, temporaryRole } from '../../support/postgres/roles.ts';
import { describeWithServer, execute, targetOf, temporarySchema } from '../../support/postgres/server.ts';
import { toldBy } from '../../support/told.ts';

interface Place {
  url: string;
  schema: string;
}

const openAt = ({ url, schema }: Place): Promise<MirrorStore> =>
  openPostgresStore(targetOf(url, { schema }), { create: true, clock: createFakeClock(), omit: new Set() });

/** Does a run that writes a task, gives its lease back, and closes the store; returns the status before that. */
async function fill(store: MirrorStore): Promise<SourceStatus[]> {
  const claim = await store.claim(A);
  const run = await claim.startRun('backfill');
  await claim.commit(changeOf({ tasks: [mirrorTask('x')] }));
  await claim.prepareForReaders(new AbortController().signal);
  await claim.finishRun(run, RECORD);
  await claim.release();
  const status = await store.status();
  await store.close();
  return status;
}

const FILLED = [{ source: 'a', liveRows: 1, lastRunOutcome: 'ok' }];

const GRANT_CREATE = (role: string): string =>
  `do $$ begin execute format('grant create on database %I to ${role}', current_database()); end $$`;

describeWithServer('the schema of a mirror', () => {
  test('is made once by six processes that open it at the same time', async () => {
    const place = temporarySchema();
    const stores = await Promise.all(Array.from({ length: 6 }, () => openAt(place)));
    const rows = await execute(place.url, `select name from "${place.schema}".kysely_migration`);
    expect(rows).toHaveLength(SCHEMA_VERSION);
    for (const store of stores) expect(await fill(store)).toMatchObject(FILLED);
  });

  test('is made once whatever the isolation of the role is', async () => {
    const place = temporarySchema();
    const url = await astrayRole(place.url);
    const stores = await Promise.all(Array.from({ length: 4 }, () => openAt({ ...place, url })));
    for (const store of stores) expect(await fill(store)).toMatchObject(FILLED);
  });

  test('needs no more than a role that may make schemas', async () => {
    const place = temporarySchema();
    const url = await temporaryRole(place.url, GRANT_CREATE);
    const store = await openAt({ ...place, url });
    expect(await fill(store)).toMatchObject(FILLED);
  });

  test('may be there, empty, for a role that may make none', async () => {
    const place = temporarySchema();
    const url = await temporaryRole(
      place.url,
      (role) => `create schema "${place.schema}" authorization ${role}`,
    );
    const store = await openAt({ ...place, url });
    expect(await fill(store)).toMatchObject(FILLED);
  });

  test('cannot be made by a role that may not: the failure says so, and nothing is left', async () => {
    const place = temporarySchema();
    const url = await temporaryRole(place.url, () => '');
    expect(await toldBy(openAt({ ...place, url }))).toMatchObject({
      code: 'permission_denied',
      facts: { of: 'database' },
      hint: expect.stringContaining('create schema NAME authorization ROLE'),
    });
    const reader = openPostgresReader(targetOf(url, { schema: place.schema }));
    await expect(reader).rejects.toMatchObject({ code: 'mirror_missing' });
  });

  test('is not made in a database that cannot hold all text', async () => {
    const { url, schema } = temporarySchema();
    await execute(url, `create database "${schema}" encoding 'LATIN1' locale 'C' template template0`);
    onTestFinished(async () => {
      await execute(url, `drop database "${schema}" with (force)`);
    });
    const elsewhere = url.replace(/\/[^/]*$/, `/${schema}`);
    expect(await toldBy(openAt({ url: elsewhere, schema }))).toMatchObject({
      code: 'server_unsuitable',
      facts: { why: 'encoding' },
      hint: expect.stringContaining('--encoding=UTF8'),
    });
    expect(await execute(elsewhere, `select from pg_namespace where nspname = '${schema}'`)).toEqual([]);
  });

  test('is not made on a server that is too old for the search index', () => {
    const facts = { version: '13.20', number: 130_020, encoding: 'UTF8' };
    expect(() => assertSuitable('me@db.example:5432/tasks', facts)).toThrow(
      /PostgreSQL 13.20, which is too old/,
    );
    assertSuitable('me@db.example:5432/tasks', { ...facts, version: '14.0', number: 140_000 });
  });

  test('that belongs to another role can be neither read nor written without its leave', async () => {
    const place = temporarySchema();
    await fill(await openAt(place));
    const url = await temporaryRole(place.url, () => '');
    expect(await toldBy(openAt({ ...place, url }))).toMatchObject({
      facts: { of: 'schema' },
      hint: expect.stringContaining('grant usage on schema NAME to ROLE'),
    });
    const role = new URL(url).username;
    const grant = `grant usage on schema "${place.schema}" to ${role}`;
    await execute(place.url, `${grant}; grant select on all tables in schema "${place.schema}" to ${role}`);
    const store = await openAt({ ...place, url });
    expect(await toldBy(store.claim(A))).toMatchObject({
      facts: { of: 'table' },
      hint: expect.stringContaining('belongs to another role'),
    });
    await store.close();
  });

  test('is read by a role that may only read', async () => {
    const place = temporarySchema();
    await fill(await openAt(place));
    const url = await temporaryRole(
      place.url,
      (role) => `grant usage on schema "${place.schema}" to ${role};
        grant select on all tables in schema "${place.schema}" to ${role}`,
    );
    const reader = await openPostgresReader(targetOf(url, { schema: place.schema }));
    expect(await reader.status()).toMatchObject([{ source: 'a', liveRows: 1 }]);
    await reader.close();
  });

  test.each(['with "quotes"', 'ÄÖ Ü', 'select', "it's"])('may have any name: %s', async (name) => {
    const { url, schema: unique } = temporarySchema();
    const schema = `${unique} ${name}`;
    expect(await fill(await openAt({ url, schema }))).toMatchObject(FILLED);
    await execute(url, `drop schema "${schema.replaceAll('"', '""')}" cascade`);
  });
});

const migrate = ({ url, schema }: Place): Promise<unknown> =>
  execute(url, `insert into "${schema}".kysely_migration (name, timestamp) values ('9999_newer', 'now')`);

describeWithServer('a mirror that a newer program migrates', () => {
  test('takes no claim of this one', async () => {
    const mirror = await serverMirror();
    const store = await mirror.open();
    await migrate(mirror);
    await expect(store.claim(A)).rejects.toMatchObject({ code: 'mirror_newer' });
    await expect(mirror.open()).rejects.toMatchObject({ code: 'mirror_newer' });
    expect(await execute(mirror.url, `select name from "${mirror.schema}".sources`)).toEqual([]);
  });

  test.each(writes)('takes no write of a claim that was there before: %s', async (_what, write) => {
    const mirror = await serverMirror();
    const store = await mirror.open();
    const claim = await store.claim(A);
    await claim.commit(changeOf({ tasks: [mirrorTask('kept')] }));
    await migrate(mirror);
    const failure = await write(claim).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(DatabaseError);
    expect(failure).toMatchObject({ code: 'mirror_newer', facts: { known: SCHEMA_VERSION } });
    await claim.release();
    const [row] = await execute<{ tasks: string; runs: string }>(
      mirror.url,
      `select (select count(*) from "${mirror.schema}".tasks where removed_at is null) as tasks,
        (select count(*) from "${mirror.schema}".sync_runs where finished_at is not null) as runs`,
    );
    expect(row).toEqual({ tasks: '1', runs: '0' });
  });

  test('is given back by it all the same', async () => {
    const mirror = await serverMirror();
    const claim = await (await mirror.open()).claim(B);
    await migrate(mirror);
    await claim.release();
    const held = await execute(mirror.url, `select from "${mirror.schema}".leases where token is not null`);
    expect(held).toEqual([]);
  });
});
