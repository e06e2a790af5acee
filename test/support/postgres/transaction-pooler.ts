import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './start.ts';

/** Whether PgBouncer is on the PATH. */
export const hasPooler = spawnSync('pgbouncer', ['--version']).status === 0;

/** A pooler that gives each transaction another connection. */
export interface Pooler {
  /** The URL of the same database through it. */
  url: string;
  stop(): Promise<void>;
}

/** Starts PgBouncer before a server on loopback that asks for no password. Throws Error with its log if it fails. */
export async function startPooler(url: string): Promise<Pooler> {
  const { hostname, port, username, pathname } = new URL(url);
  const folder = mkdtempSync(join(tmpdir(), 'taskmirror-pooler-'));
  chmodSync(folder, 0o755);
  const listen = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  const server = `host=${hostname} port=${port === '' ? 5432 : port} user=${username}`;
  writeFileSync(
    file,
    ['[databases]', `* = ${server}`, '[pgbouncer]', 'pool_mode = transaction', 'auth_type = any']
      .concat(['listen_addr = 127.0.0.1', `listen_port = ${listen}`, 'unix_socket_dir =', ''])
      .join('\n'),
  );
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('pgbouncer', [...user, file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill('SIGINT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  let log = '';
  const ready = Promise.withResolvers<void>();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
    if (log.includes('process up')) ready.resolve();
  });
  void ended.then(() => ready.reject(new Error(`pgbouncer ended:\n${log}`)));
  await ready.promise;
  return { url: `postgres://${username}@127.0.0.1:${listen}${pathname}`, stop };
}
