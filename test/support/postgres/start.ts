import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export interface StartOptions {
  /** The folder with `initdb` and `postgres`. */
  bin: string;
  /** A data folder that {@link initialize} has made, to begin with a copy of: that is quicker than a new one. */
  initialized?: string | null;
  /** Lines of postgresql.conf, after those that make tests quick. */
  settings?: readonly string[];
  /** Texts of files to put into its data folder, by name, for the server alone to read. */
  files?: Readonly<Record<string, string>>;
  /** Lines of pg_hba.conf, before those that trust everybody on this machine. */
  access?: readonly string[];
}

/** A server of its own, with the superuser `postgres`, who needs no password on this machine. */
export interface Server {
  /** Of the database `postgres`, by the loopback address. */
  url: string;
  /** The same by the socket. */
  socketUrl: string;
  port: number;
  /** Holds `data/`, the socket, and whatever a test puts there. Belongs to the server's user. */
  folder: string;
  /** The process now. */
  readonly pid: number;
  /** All that the server has written to its log. */
  log(): string;
  /** Sends a signal to the server's main process, and waits until that has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port, stopping it first if it runs. */
  restart(): Promise<void>;
  /** Stops it and removes its folder. Safe to call twice. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A test's server need not outlive a power cut. What was committed outlives that the server is killed. */
const QUICK = ['fsync = off', 'full_page_writes = off', 'shared_buffers = 32MB'];
const TRUST = ['local all all trust', 'host all all 127.0.0.1/32 trust', 'host all all ::1/128 trust'];

/** Makes a data folder as every server of the tests begins with; its parent has to belong to the server's user. */
export async function initialize(bin: string, data: string): Promise<void> {
  const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  await promisify(execFile)(join(bin, 'initdb'), args, { ...serverUser(), cwd: dirname(data) });
}

async function copyData(from: string, to: string, owner: Owner | null): Promise<void> {
  // The copy has to be the owner's, as all that he makes is.
  if (owner === null) cpSync(from, to, { recursive: true });
  else await promisify(execFile)('cp', ['-R', from, to], { ...owner, cwd: dirname(to) });
}

/** Starts a server in a temporary folder, and resolves when it answers. Throws Error with its log if it does not. */
export async function startServer({
  bin,
  initialized = null,
  settings = [],
  files = {},
  access = [],
}: StartOptions): Promise<Server> {
  const owner = serverUser();
  const folder = mkdtempSync(join(tmpdir(), 'taskmirror-pg-'));
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  let running: Running | undefined;
  try {
    await (initialized === null ? initialize(bin, data) : copyData(initialized, data, owner));
    const port = await freePort();
    const place = [
      `port = ${port}`,
      `listen_addresses = '127.0.0.1'`,
      `unix_socket_directories = '${folder}'`,
    ];
    appendFileSync(join(data, 'postgresql.conf'), [...QUICK, ...place, ...settings, ''].join('\n'));
    writeFileSync(join(data, 'pg_hba.conf'), [...access, ...TRUST, ''].join('\n'));
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(data, name), text, { mode: 0o600 });
      if (owner !== null) chownSync(join(data, name), owner.uid, owner.gid);
    }
    const start = (): Promise<Running> => run(join(bin, 'postgres'), data, owner, folder);
    running = await start();
    const stop = async (): Promise<void> => {
      await running?.end('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    };
    return {
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      socketUrl: `postgres://postgres@:${port}/postgres?host=${encodeURIComponent(folder)}`,
      port,
      folder,
      get pid() {
        return running?.pid ?? 0;
      },
      log: () => running?.log() ?? '',
      kill: async (signal) => running?.end(signal),
      async restart() {
        await running?.end('SIGINT');
        running = await start();
      },
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await running?.end('SIGQUIT');
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

export interface Owner {
  uid: number;
  gid: number;
}

/** PostgreSQL refuses to run as root. Null: this process's own user runs it. */
export function serverUser(): Owner | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const [, , uid, gid] =
    users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody') ?? [];
  if (uid === undefined || gid === undefined) throw new Error('root has no user to run a server as');
  return { uid: Number(uid), gid: Number(gid) };
}

interface Running {
  pid: number;
  log(): string;
  /** Sends the signal, unless it has ended, and waits for its end. */
  end(signal: NodeJS.Signals): Promise<void>;
}

async function run(program: string, data: string, owner: Owner | null, cwd: string): Promise<Running> {
  const server = spawn(program, ['-D', data], { ...owner, cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  const ready = new Promise<void>((resolve, reject) => {
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (log.includes('database system is ready to accept connections')) resolve();
    });
    server.once('error', reject);
    server.once('close', (code) => reject(new Error(`the server ended with ${code}:\n${log}`)));
  });
  await ready;
  const guard = guarding(server);
  return {
    pid: server.pid ?? 0,
    log: () => log,
    async end(signal) {
      guard.kill('SIGKILL');
      if (server.exitCode !== null || server.signalCode !== null) return;
      const ended = once(server, 'close');
      server.kill(signal);
      await ended;
    },
  };
}

/** Ends the server if this process is killed: the guard's input ends then. */
function guarding(server: ChildProcess): ChildProcess {
  const guard = spawn('sh', ['-c', 'cat >/dev/null; kill -INT "$0"', String(server.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => {});
  return guard;
}

/** Returns a port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const socket = createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const address = socket.address();
  socket.close();
  await once(socket, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port is free');
  return address.port;
}
