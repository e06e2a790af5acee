import { describe, expect, test } from 'vitest';
import { diagnose, type Finding } from '../../src/cli/commands/doctor/doctor.ts';
import { serverChecks } from '../../src/cli/commands/doctor/server.ts';
import { DatabaseError } from '../../src/model/errors.ts';
import type { ReaderRoleFacts, ServerFacts } from '../../src/store/server.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const clock = createFakeClock();
const SERVER: ServerFacts = {
  name: 'me@db.example:5432/tasks',
  version: '18.4',
  versionNumber: 180_004,
  encoding: 'UTF8',
  isEncrypted: true,
  isStandby: false,
  isReadOnly: false,
  isSuperuser: false,
  time: clock.now(),
  tookMs: 1,
  connections: { used: 1, most: 97 },
  mirror: { version: 1, known: 1 },
  mayCreate: true,
  invalidIndexes: [],
  owner: null,
};
const READER: ReaderRoleFacts = {
  name: 'analyst@db.example:5432/tasks',
  hasMirror: true,
  isSuperuser: false,
  mayWrite: false,
  unreadable: [],
};

/** What is found of a server that differs from one in order. */
async function findings(
  server: Partial<ServerFacts>,
  reader: (() => Promise<ReaderRoleFacts>) | null = null,
): Promise<Finding[]> {
  const inspect = async (): Promise<ServerFacts> => ({ ...SERVER, ...server });
  return (await diagnose(serverChecks({ clock, inspect, inspectReader: reader }))).findings;
}

describe('doctor of a PostgreSQL server', () => {
  test('finds nothing to say of one that is in order', async () => {
    const found = await findings({}, async () => READER);
    expect(found.filter(({ status, hint }) => status !== 'ok' || hint !== undefined)).toEqual([]);
  });

  test.each<[string, Partial<ServerFacts>, string, Finding['status'], RegExp]>([
    ['is not tested', { versionNumber: 140_020 }, 'database', 'warn', /15 and newer/],
    ['is too old', { versionNumber: 130_020 }, 'database', 'fail', /Update the server/],
    ['has another encoding', { encoding: 'LATIN1' }, 'encoding', 'fail', /createdb .*--encoding=UTF8/],
    ['is a standby', { isStandby: true }, 'writable', 'fail', /primary/],
    ['is used by a role that only reads', { isReadOnly: true }, 'writable', 'fail', /default_transaction/],
    ['is used by a superuser', { isSuperuser: true }, 'role', 'warn', /queryDatabase/],
    ['holds the mirror of another role', { owner: 'team' }, 'mirror', 'warn', /connect as its owner/],
    [
      'lets the role make no mirror',
      { mirror: { version: 0, known: 1 }, mayCreate: false },
      'mirror',
      'fail',
      /create schema NAME authorization ROLE/,
    ],
    ['holds a newer mirror', { mirror: { version: 2, known: 1 } }, 'mirror', 'fail', /Update taskmirror/],
    ['has few connections left', { connections: { used: 95, most: 97 } }, 'connections', 'warn', /pooler/],
    ['has indexes that were cut off', { invalidIndexes: ['a'] }, 'indexes', 'warn', /taskmirror sync/],
  ])('that %s says so, and what to do', async (_what, server, check, status, hint) => {
    const found = (await findings(server)).filter((finding) => finding.status !== 'ok');
    expect(found).toEqual([{ check, status, detail: expect.any(String), hint: expect.stringMatching(hint) }]);
  });

  test.each<[string, Partial<ReaderRoleFacts>, Finding['status'], RegExp]>([
    ['may read all of it', {}, 'ok', /analyst@.* may read the mirror, and not write/],
    ['can connect before there is a mirror', { hasMirror: false }, 'ok', /can connect/],
    ['may not read some of it', { unreadable: ['tasks', 'leases'] }, 'warn', /may not read tasks, leases/],
    ['may write to it', { mayWrite: true }, 'warn', /may also write/],
    ['is a superuser', { isSuperuser: true, mayWrite: true }, 'warn', /is a superuser/],
  ])('says that the role of queryDatabase %s', async (_what, reader, status, detail) => {
    const found = await findings({}, async () => ({ ...READER, ...reader }));
    expect(found.filter(({ check }) => check === 'query role')).toEqual([
      expect.objectContaining({ status, detail: expect.stringMatching(detail) }),
    ]);
  });

  test('says that the role of queryDatabase cannot connect', async () => {
    const [found] = (
      await findings({}, () => {
        const server = READER.name;
        return Promise.reject(
          new DatabaseError('login_refused', { server, why: 'refused' }, 'wrong password'),
        );
      })
    ).filter(({ status }) => status === 'fail');
    expect(found).toMatchObject({
      check: 'query role',
      hint: expect.stringContaining('queryDatabasePassword'),
    });
  });
});
