/**
 * Hunts for lost rows: runs many histories of the simulator (test/simulator), on every core of the machine.
 *
 *   npm run simulate -- --seeds 20000 [--from 1]        histories of these seeds
 *   npm run simulate -- --seed 7 [--only 0,4,9]         one history, or what is left of it
 *   npm run simulate -- --store postgres ...            in the server of TASKMIRROR_TEST_POSTGRES, or one of its own
 *
 * Progress goes to stderr, the summary and every failure to stdout. Exits 1 if an invariant did not hold.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createWorkbench, examine, type Examined } from '../test/simulator/examine.ts';
import { startSimulatorServer } from '../test/simulator/postgres/server.ts';
import { createPostgresWorkbench } from '../test/simulator/postgres/workbench.ts';
import { Tally } from '../test/simulator/tally.ts';
import { targetOf } from '../test/support/postgres/target.ts';

/** Seeds that a worker gets at once. */
const BATCH = 25;
/** This many failures are enough to look into. */
const FAILURES = 5;
const REPORT_MS = 5_000;

interface Options {
  first: number;
  seeds: number;
  only: number[] | null;
  isPostgres: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      only: { type: 'string' },
      store: { type: 'string', default: 'sqlite' },
    },
  });
  const isPostgres = values.store === 'postgres';
  if (!isPostgres && values.store !== 'sqlite') throw new Error('--store is sqlite or postgres.');
  const only = values.only === undefined ? null : values.only.split(',').filter(Boolean).map(whole);
  if (values.seed !== undefined) return { first: whole(values.seed), seeds: 1, only, isPostgres };
  return { first: whole(values.from), seeds: whole(values.seeds), only, isPostgres };
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`"${text}" is not a whole number up to 999999999.`);
  return Number(text);
}

/** The results of the workers so far. */
class Hunt {
  readonly tally = new Tally();
  readonly failures: string[] = [];
  seeds = 0;
  readonly #began = performance.now();

  add({ seeds, groups, failures }: Examined): void {
    this.seeds += seeds;
    this.tally.merge(groups);
    this.failures.push(...failures);
    for (const failure of failures) console.log(`\n${failure}`);
  }

  get seconds(): number {
    return (performance.now() - this.#began) / 1_000;
  }

  progress(): string {
    const rate = Math.round((this.seeds / this.seconds) * 60);
    return `${this.seeds} histories, ${rate} a minute, ${this.failures.length} failures`;
  }

  summary(): string {
    const { groups } = this.tally;
    const lines = Object.entries(groups).map(([group, names]) => {
      const sorted = Object.entries(names).toSorted(([, a], [, b]) => b - a);
      return `${group}: ${sorted.map(([name, count]) => `${name} ${count}`).join(', ')}`;
    });
    return [...lines, `${this.progress()}, ${this.seconds.toFixed(1)} s`].join('\n');
  }
}

/** The URL of the server, for the workers as well: it may hold a password, so it is no argument. */
const SERVER = 'TASKMIRROR_TEST_POSTGRES';

/** Makes a place for mirrors: in files, or in a schema of the server. */
function openBench({ isPostgres }: Options): ReturnType<typeof createWorkbench> {
  if (!isPostgres) return createWorkbench();
  return createPostgresWorkbench(targetOf(process.env[SERVER] ?? '', { schema: `simulate_${process.pid}` }));
}

/** Hands out batches of seeds to workers until none are left, or enough have failed. */
async function huntInParallel({ first, seeds }: Options, hunt: Hunt): Promise<void> {
  const end = first + seeds;
  let next = first;
  const employ = (worker: ChildProcess): void => {
    if (next >= end || hunt.failures.length >= FAILURES) {
      worker.disconnect();
      return;
    }
    worker.send({ first: next, seeds: Math.min(BATCH, end - next) });
    next += BATCH;
  };
  const work = async (): Promise<void> => {
    const worker = fork(fileURLToPath(import.meta.url), process.argv.slice(2), { serialization: 'advanced' });
    worker.on('message', (examined: Examined) => {
      hunt.add(examined);
      employ(worker);
    });
    employ(worker);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worker.on('error', reject);
    worker.on('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`A worker ended with ${signal ?? `exit code ${code}`}.`)),
    );
    await promise;
  };
  const ticker = setInterval(() => console.error(hunt.progress()), REPORT_MS);
  try {
    const workers = Math.min(availableParallelism(), Math.ceil(seeds / BATCH));
    await Promise.all(Array.from({ length: workers }, work));
  } finally {
    clearInterval(ticker);
  }
}

async function huntOne(options: Options, hunt: Hunt): Promise<void> {
  const bench = await openBench(options);
  try {
    hunt.add(await examine(bench, { first: options.first, seeds: 1, only: options.only }));
  } finally {
    await bench.close();
  }
}

/** Examines, in a worker, what the parent sends, until the parent disconnects or is gone. */
async function serve(): Promise<void> {
  const bench = await openBench(readOptions());
  process.once('disconnect', () => void bench.close());
  process.on('message', (batch: { first: number; seeds: number }) => {
    void examine(bench, batch).then((examined) =>
      // If the parent is gone this fails, and 'disconnect' follows: an error without a callback would be
      // thrown.
      process.send?.(examined, undefined, {}, () => undefined),
    );
  });
}

async function main(): Promise<void> {
  const options = readOptions();
  const hunt = new Hunt();
  const isAlone = options.isPostgres && process.env[SERVER] === undefined;
  const server = isAlone ? await startSimulatorServer(process.env[`${SERVER}_BIN`]) : null;
  if (server !== null) process.env[SERVER] = server.url;
  try {
    if (options.seeds === 1) await huntOne(options, hunt);
    else await huntInParallel(options, hunt);
  } finally {
    await server?.stop();
  }
  console.log(hunt.summary());
  if (hunt.failures.length > 0) process.exitCode = 1;
}

await (process.send === undefined ? main() : serve());
