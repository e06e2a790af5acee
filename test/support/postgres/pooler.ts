import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parsePostgresUrl } from '../../../src/model/postgres-url.ts';
import { afterwards } from './server.ts';
import { freePort, serverUser } from './start.ts';

const [PGBOUNCER] = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  .map((folder) => join(folder, 'pgbouncer'))
  .filter((path) => existsSync(path));

/** Why no pooler can run; null if one can. */
export const poolerLacks = PGBOUNCER === undefined ? 'pgbouncer is not installed' : null;

/**
 * Starts PgBouncer, which gives each transaction whatever connection is free, before a server that asks the
 * role for no password. It is stopped after the test, or after the file if no test runs. `poolSize`: its
 * connections to the server. Returns the URL of the same database through it. Throws Error with its log if it
 * does not start.
 */
export async function startPooler(url: string, { poolSize = 20 } = {}): Promise<string> {
  const { host, port, user, database } = parsePostgresUrl(url);
  const folder = mkdtempSync(join(tmpdir(), 'taskmirror-pooler-'));
  chmodSync(folder, 0o755);
  const listen = await freePort();
  const config = join(folder, 'pgbouncer.ini');
  const settings = [
    `[databases]\n* = host=${host} port=${port} user=${user}\n[pgbouncer]\npool_mode = transaction`,
    `default_pool_size = ${poolSize}\nauth_type = any\nlisten_addr = 127.0.0.1\nlisten_port = ${listen}`,
    'unix_socket_dir =\n',
  ];
  writeFileSync(config, settings.join('\n'));
  const pooler = spawn(PGBOUNCER ?? '', [config], { ...serverUser(), stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(pooler, 'close');
  afterwards(async () => {
    pooler.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  let log = '';
  const ready = Promise.withResolvers<void>();
  pooler.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
    if (log.includes('process up')) ready.resolve();
  });
  void ended.then(() => ready.reject(new Error(`pgbouncer ended:\n${log}`)));
  await ready.promise;
  return `postgres://${user}@127.0.0.1:${listen}/${database}`;
}
