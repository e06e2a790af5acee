import { expect, test } from 'vitest';
import { inspectReaderRole, inspectServer } from '../../../src/store/postgres/inspect.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { temporaryRole } from '../../support/postgres/roles.ts';
import { describeWithServer, execute, targetOf } from '../../support/postgres/server.ts';

/** A mirror, and a role that may use its schema. */
async function bench() {
  const mirror = await serverMirror();
  await mirror.open();
  const { url, schema } = mirror;
  const role = await temporaryRole(url, (name) => `grant usage on schema "${schema}" to ${name}`);
  const name = new URL(role).username;
  const grant = (rights: string, tables: string): Promise<unknown> =>
    execute(url, `grant ${rights} on ${tables.replaceAll('S', `"${schema}"`)} to ${name}`);
  return { owner: targetOf(url, { schema }), reader: targetOf(role, { schema }), grant };
}

describeWithServer('what doctor asks of roles', () => {
  test('is whom the mirror belongs to, if the role is another one', async () => {
    const { owner, reader, grant } = await bench();
    await grant('select', 'all tables in schema S');
    const ownerOf = async (target: typeof owner): Promise<string | null> =>
      (await inspectServer(target, () => 0)).owner;
    expect([await ownerOf(owner), await ownerOf(reader)]).toEqual([null, new URL(owner.url).username]);
  });

  test('is which tables a role may not read, and whether it may write to one', async () => {
    const { reader, grant } = await bench();
    await expect(inspectReaderRole(reader)).rejects.toMatchObject({ code: 'permission_denied' });
    await grant('select', 'S.kysely_migration');
    expect((await inspectReaderRole(reader)).unreadable).toContain('tasks');
    await grant('select', 'all tables in schema S');
    const facts = { hasMirror: true, isSuperuser: false, mayWrite: false, unreadable: [] };
    expect(await inspectReaderRole(reader)).toMatchObject(facts);
    await grant('delete', 'S.tasks');
    expect(await inspectReaderRole(reader)).toMatchObject({ ...facts, mayWrite: true });
  });
});
