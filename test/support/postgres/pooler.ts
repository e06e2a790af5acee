import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { type Server, serverUser } from './start.ts';

const [PGBOUNCER] = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  .map((folder) => join(folder, 'pgbouncer'))
  .filter((path) => existsSync(path));

/** Why no pooler can run; null if one can. */
export const poolerLacks = PGBOUNCER === undefined ? 'pgbouncer is not installed' : null;

/** Starts pgbouncer, which has one connection to the server for everybody. Returns its URL for the role. */
export async function startPooler(server: Server, role: string): Promise<string> {
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
  return `postgres://${role}@:6432/postgres?host=${folder}`;
}
