import { createHash } from 'node:crypto';
import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { grouped } from '../src/render/text.ts';
import { type BenchApi, startApi } from './api.ts';
import { programOf, type Program, ROOT } from './program.ts';

/** Mirrors that took long to make are kept here for the next benchmark; may be deleted at any time. */
const CACHE = join(tmpdir(), 'taskmirror-bench');
/** The sources that decide how a mirror of a given size looks: a change makes the kept ones useless. */
const MADE_FROM = ['migrations', 'src/source/simulated', 'src/store/sqlite', 'bench/list.ts'];

/** The tools of the rows of the benchmark. */
export interface Bench {
  quick: boolean;
  program: Program;
  /** Returns the shared API that holds `count` tasks, started at the first call. Do not change its list. */
  api(count: number): Promise<BenchApi>;
  /** Returns a complete mirror of the API with `count` tasks, which the caller may change. */
  mirror(count: number): Promise<string>;
  /** Returns the name of a file that does not exist yet. */
  freshFile(): string;
  say(text: string): void;
}

/** Runs `work`, then ends the servers and removes every file except the kept mirrors. */
export async function withBench<T>(
  options: { quick: boolean; say: (text: string) => void },
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'run-'));
  const apis = new Map<number, BenchApi>();
  let files = 0;
  const bench: Bench = {
    ...options,
    program: programOf(join(folder, 'home')),
    freshFile: () => join(folder, `${(files += 1)}.db`),
    async api(count) {
      const running = apis.get(count);
      if (running !== undefined) return running;
      options.say(`making ${grouped(count)} tasks`);
      const api = await startApi(count);
      apis.set(count, api);
      return api;
    },
    async mirror(count) {
      const kept = join(CACHE, `${digest()}-${count}.db`);
      if (!existsSync(kept)) await keepMirror(bench, count, kept);
      const copy = bench.freshFile();
      copyFileSync(kept, copy, constants.COPYFILE_FICLONE);
      return copy;
    },
  };
  try {
    return await work(bench);
  } finally {
    for (const api of apis.values()) await api.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes the mirror that is kept for this count, replacing one that is out of date. */
async function keepMirror(bench: Bench, count: number, kept: string): Promise<void> {
  const { url } = await bench.api(count);
  bench.say(`making a mirror of ${grouped(count)} tasks, to be kept in ${CACHE}`);
  const db = bench.freshFile();
  await bench.program.sync({ db, url });
  // This does what the first run left to the next one, and empties the WAL.
  await bench.program.sync({ db, url });
  for (const name of readdirSync(CACHE)) {
    if (name.endsWith(`-${count}.db`)) rmSync(join(CACHE, name));
  }
  renameSync(db, kept);
}

/** Returns a name for what the kept mirrors depend on. */
function digest(): string {
  const hash = createHash('sha256');
  for (const part of MADE_FROM) {
    const path = join(ROOT, part);
    const names = part.endsWith('.ts') ? [''] : readdirSync(path, { recursive: true, encoding: 'utf8' });
    for (const name of names.filter((each) => each === '' || each.endsWith('.ts')).toSorted()) {
      hash.update(readFileSync(join(path, name)));
    }
  }
  return hash.digest('hex').slice(0, 12);
}
