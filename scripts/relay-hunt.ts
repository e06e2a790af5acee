/**
 * Lets several daemons share one database for some minutes, kills those that sync by SIGKILL again and again, and
 * checks at the end that the mirror is exact, that runs never overlapped, that no slot of the full schedule was
 * served twice, and that no daemon complained.
 *
 *     node scripts/relay-hunt.ts --minutes 10 --daemons 3 [--database FILE_OR_URL] [--seed S] [--hosts]
 *
 * With --hosts each daemon has a host name and processes of its own, as in a container (on Linux, as root): nobody
 * can see that another one has died. One that was killed comes back once another syncs, which has to be soon.
 *
 * The database must hold no mirror yet; without one, it is a file in a temporary folder. A password goes into
 * PGPASSWORD. Two hunts with the same seed differ, since the moments of the kills do.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Activity } from '../src/source/simulated/activity.ts';
import { generateTasks } from '../src/source/simulated/generate.ts';
import { SimulatedList } from '../src/source/simulated/list.ts';
import { createRandom, type Random } from '../src/source/simulated/random.ts';
import { createApi, startServer } from '../src/source/simulated/server.ts';
import { build } from './build.ts';

const MAIN = join(import.meta.dirname, '../dist/src/main.cjs');
const KEY = 'sigmic_relay';
const TASKS = 5_000;
/** The API's answers take so long, in ms, that many kills hit a run. */
const LATENCY_MS = 100;
const LOOKS = 20;
/** Time in ms after which another host has gone on, and we have seen it. */
const TAKEOVER_MS = 60_000;
/** Seconds between two slots. */
const [EVERY, FULL_EVERY] = [2, 30];

interface Holder {
  pid: number;
  host: string;
}

interface Status {
  sources: { holder: Holder | null }[];
}

interface Run {
  id: number;
  kind: string;
  outcome: string | null;
  started_at: string;
  finished_at: string | null;
}

interface Verified {
  ok: boolean;
  sources: { missing: { count: number } }[];
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    daemons: { type: 'string', default: '3' },
    database: { type: 'string' },
    seed: { type: 'string', default: '1' },
    hosts: { type: 'boolean', default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'taskmirror-relay-'));
/** Resolves with the first line of a daemon's log. */
const spoken = new WeakMap<ChildProcess, Promise<unknown>>();
await build();
const problems = await hunt({
  minutes: Number(values.minutes),
  count: Number(values.daemons),
  database: values.database ?? join(folder, 'mirror.db'),
  seed: Number(values.seed),
});
for (const problem of problems) console.log(`FAILED: ${problem}`);
console.log(`logs and settings: ${folder}`);
if (problems.length > 0) process.exitCode = 1;

/** Runs the hunt; returns what was wrong. */
async function hunt(options: {
  minutes: number;
  count: number;
  database: string;
  seed: number;
}): Promise<string[]> {
  const random = createRandom(options.seed);
  const api = await serveMovingList(random);
  const config = {
    database: options.database,
    schedule: `*/${EVERY} * * * * *`,
    fullSchedule: `*/${FULL_EVERY} * * * * *`,
    sources: [{ name: 'relay', baseUrl: api.url, apiKey: { env: 'RELAY_KEY' } }],
  };
  writeFileSync(join(folder, 'relay.json'), JSON.stringify(config));
  const began = Date.now();
  const daemons = Array.from({ length: options.count }, (_, i) => startDaemon(i));
  const late: string[] = [];
  let [kills, ofHolders] = [0, 0];
  while (Date.now() < began + options.minutes * 60_000) {
    await delay(random.int(0, 3_000));
    const holder = await holderOf();
    const found = daemons.findIndex((daemon, i) =>
      values.hosts ? holder?.host === hostOf(i) : holder?.pid === daemon.pid,
    );
    const index = found === -1 ? random.int(0, daemons.length - 1) : found;
    signal(daemons[index], 'SIGKILL');
    kills += 1;
    if (found !== -1) ofHolders += 1;
    if (values.hosts && found !== -1) late.push(...(await takenOver(hostOf(index))));
    await delay(random.int(0, 3_000));
    daemons[index] = startDaemon(index);
  }
  const slots = Math.ceil((Date.now() - began) / 1_000 / FULL_EVERY) + 1;
  // As the first process of its host, one that has just begun would not hear the signal.
  await Promise.all(daemons.map(async (daemon) => spoken.get(daemon)));
  const ended = daemons.map((daemon) => once(daemon, 'close'));
  for (const daemon of daemons) signal(daemon, 'SIGTERM');
  await Promise.all(ended);
  api.stop();
  console.log(`${kills} kills, ${ofHolders} of them in a run`);
  const found = [...late, ...(await checkMirror()), ...(await checkRuns(slots)), ...checkLogs(options.count)];
  await api.close();
  return found;
}

/** What daemons promise: nothing is missing up to the head, and a full run makes the mirror exact. */
async function checkMirror(): Promise<string[]> {
  const caughtUp = await taskmirror('sync', '--json');
  const before = await json<Verified>('verify', '--json');
  const missing = before.sources.reduce((sum, source) => sum + source.missing.count, 0);
  const walked = await taskmirror('sync', '--full', '--json');
  const after = await json<Verified>('verify', '--json');
  return [
    ...(caughtUp.code === 0 ? [] : [`sync ended with exit code ${caughtUp.code}`]),
    ...(missing === 0 ? [] : [`${missing} tasks were missing before the last full run`]),
    ...(walked.code === 0 ? [] : [`sync --full ended with exit code ${walked.code}`]),
    ...(after.ok ? [] : [`the mirror is not exact: ${JSON.stringify(after)}`]),
  ];
}

async function checkRuns(slots: number): Promise<string[]> {
  const runs = await json<Run[]>(
    'query',
    '--json',
    'select id, kind, outcome, started_at, finished_at from sync_runs order by id',
  );
  const walks = runs.filter(({ kind, outcome }) => kind === 'reconcile' && outcome === 'ok').length - 1;
  const counts = Map.groupBy(runs, ({ outcome }) => outcome);
  console.log(
    `${runs.length} runs: ${[...counts].map(([outcome, of]) => `${of.length} ${outcome}`).join(', ')}; ` +
      `${walks} full walks for ${slots} slots`,
  );
  const overlaps = runs.filter(({ started_at: at }, i) => i > 0 && at < (runs[i - 1]?.finished_at ?? '9'));
  return [
    ...(overlaps.length === 0 ? [] : [`runs overlap: ${JSON.stringify(overlaps)}`]),
    ...(walks <= slots ? [] : ['slots of the full schedule were served twice']),
  ];
}

function checkLogs(count: number): string[] {
  return Array.from({ length: count }, (_, i) => readFileSync(logOf(i), 'utf8').split('\n'))
    .flat()
    .filter((line) => /"level":"(?:warn|error)"|^taskmirror: /.test(line));
}

function logOf(index: number): string {
  return join(folder, `daemon-${index}.log`);
}

function hostOf(index: number): string {
  return `relay-${index}`;
}

function startDaemon(index: number): ChildProcess {
  const daemon = [process.execPath, MAIN, 'daemon', '--config', 'relay.json'];
  const container = ['unshare', '--uts', '--pid', '--fork', '--mount-proc', '--kill-child'];
  const named = ['sh', '-c', 'hostname "$0" && exec "$@"', hostOf(index)];
  const [command = '', ...args] = values.hosts ? [...container, ...named, ...daemon] : daemon;
  const child = spawn(command, args, optionsOf());
  const log = createWriteStream(logOf(index), { flags: 'a' });
  child.stderr?.pipe(log);
  if (child.stderr !== null) spoken.set(child, once(child.stderr, 'data'));
  return child;
}

/** Sends a signal to a daemon, which with --hosts is the child of the process that we started. */
function signal(daemon: ChildProcess | undefined, name: 'SIGKILL' | 'SIGTERM'): void {
  const pid = daemon?.pid;
  if (pid === undefined) return;
  const children = values.hosts ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim() : '';
  process.kill(children === '' ? pid : Number(children.split(' ')[0]), name);
}

/** Waits until another host than this one syncs; returns what is wrong if that takes too long. */
async function takenOver(dead: string): Promise<string[]> {
  const killed = Date.now();
  while (Date.now() < killed + TAKEOVER_MS) {
    const holder = await holderOf();
    if (holder !== null && holder.host !== dead) {
      console.log(
        `${holder.host} went on ${Math.round((Date.now() - killed) / 1_000)} s after ${dead} had died`,
      );
      return [];
    }
    await delay(1_000);
  }
  return [`nobody went on within ${TAKEOVER_MS / 1_000} s after ${dead} had died`];
}

/** Returns the process that syncs, or null if none was seen in some looks. */
async function holderOf(): Promise<Holder | null> {
  for (let look = 0; look < LOOKS; look += 1) {
    const { code, stdout } = await taskmirror('status', '--json');
    const holder = code === 0 ? (JSON.parse(stdout) as Status).sources[0]?.holder : null;
    if (holder) return holder;
  }
  return null;
}

async function json<T>(...args: string[]): Promise<T> {
  const { stdout } = await taskmirror(...args);
  return JSON.parse(stdout) as T;
}

function taskmirror(...args: string[]): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve) => {
    const command = [MAIN, ...args, '--config', 'relay.json'];
    const options = { ...optionsOf(), maxBuffer: 2 ** 30 };
    execFile(process.execPath, command, options, (error, stdout) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout });
    });
  });
}

function optionsOf(): { cwd: string; env: NodeJS.ProcessEnv } {
  return { cwd: folder, env: { ...process.env, RELAY_KEY: KEY } };
}

/** A list that moves by itself, and between requests, until `stop`. */
async function serveMovingList(
  random: Random,
): Promise<{ url: string; stop: () => void; close: () => Promise<void> }> {
  const list = new SimulatedList(generateTasks({ count: TASKS, seed: 1, now: Date.now() }));
  const activity = new Activity({
    list,
    random,
    now: Date.now,
    weights: { vanish: 1, edit: 5, followUp: 2 },
  });
  let isMoving = true;
  const move = (): void => {
    if (isMoving) activity.step();
  };
  const { app } = createApi({ list, keys: [KEY], now: Date.now, latencyMs: LATENCY_MS, onRequest: move });
  const timer = setInterval(move, 50);
  const { url, close } = await startServer(app);
  return {
    url,
    close,
    stop() {
      isMoving = false;
      clearInterval(timer);
    },
  };
}
