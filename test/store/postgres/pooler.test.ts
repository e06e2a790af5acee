import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { connect, type Database } from '../../../src/store/postgres/connection.ts';
import { describeWithServerAnd, execute, ownServer, targetOf } from '../../support/postgres/server.ts';
import { type Server, serverUser } from '../../support/postgres/start.ts';

const [PGBOUNCER] = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  .map((folder) => join(folder, 'pgbouncer'))
  .filter((path) => existsSync(path));

/** Connects through pgbouncer, which has one connection to the server for everybody. */
async function pooled(server: Server, role: string): Promise<Database> {
  const { folder, port } = server;
  const [config, users] = [join(folder, 'pgbouncer.ini'), join(folder, 'users.txt')];
  writeFileSync(users, `"${role}" ""\n`);
  const settings = [
    `[databases]\npostgres = host=${folder} port=${port}\n[pgbouncer]\nlisten_port = 6432`,
    `unix_socket_dir = ${folder}\nauth_type = trust\nauth_file = ${users}`,
    'pool_mode = transaction\ndefault_pool_size = 1\n',
  ];
  writeFileSync(config, settings.join('\n'));
  const pooler = spawn(PGBOUNCER ?? '', [config], { ...serverUser(), stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(async () => {
    const ended = once(pooler, 'close');
    if (pooler.kill('SIGKILL')) await ended;
  });
  for await (const line of createInterface({ input: pooler.stderr })) {
    if (line.includes('process up')) break;
  }
  const database = connect(targetOf(`postgres://${role}@:6432/postgres?host=${folder}`));
  onTestFinished(() => database.end());
  return database;
}

const lacking = PGBOUNCER === undefined ? 'pgbouncer is not installed' : null;

describeWithServerAnd(lacking, 'a pooler of transactions', () => {
  test('may give each statement the same connection, and the settings of the role do not show', async () => {
    const server = await ownServer();
    await execute(
      server.url,
      `create role astray login;
         alter role astray set datestyle = 'German'; alter role astray set timezone = 'Asia/Kolkata';
         alter role astray set client_encoding = 'LATIN1'`,
    );
    const database = await pooled(server, 'astray');
    const asked = Array.from({ length: 4 }, () =>
      database.query<{ pid: number }>(
        `select pg_backend_pid() as pid, current_setting('datestyle') as style, $1::timestamptz as at, 'é' as text`,
        ['2026-02-01T00:00:00.5Z'],
      ),
    );
    const rows = (await Promise.all(asked)).flat();
    const at = '2026-02-01T00:00:00.500Z';
    expect(rows).toEqual(rows.map(({ pid }) => ({ pid, style: 'ISO, YMD', at, text: 'é' })));
    expect(new Set(rows.map(({ pid }) => pid)).size).toBe(1);
    expect(await database.transaction((query) => query('select 1 as one'))).toEqual([{ one: 1 }]);
  });
});
