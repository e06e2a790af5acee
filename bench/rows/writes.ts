import { fileURLToPath } from 'node:url';
import { grouped } from '../../src/render/text.ts';
import { API_KEY } from '../api.ts';
import type { Bench } from '../fixtures.ts';
import { alternate, spend, writtenBytes } from '../measure.ts';
import { type Measured, medianOf } from '../verdict.ts';

const TASKS = 1_000_000;
/** Most bytes that a first run of this many tasks may write. A smaller index has fewer pages to write. */
const MOST_OF_FIRST = 6.5e9;
/** Most bytes that a run which finds nothing writes. */
const MOST_OF_QUIET = 50e3;

/** Measures what runs write: a first one, a quiet one, and quiet ones in one process, as in a daemon. */
export async function writes(bench: Bench): Promise<Measured[]> {
  if (writtenBytes() === null) {
    bench.say('this system does not count what a process writes: left out');
    return [];
  }
  const tasks = bench.quick ? TASKS / 10 : TASKS;
  const { url } = await bench.api(tasks);
  const db = bench.freshFile();
  const first = await bench.program.sync({ db, url });
  const quiet = async () => {
    const run = await bench.program.sync({ db, url });
    const { requests, inserted, updated } = run.report;
    if (requests !== 1 || inserted + updated > 0) throw new Error(`Not a quiet run: ${run.stdout}`);
    return run;
  };
  const { alone, staying } = await alternate(3, { alone: quiet, staying: () => quietInOne(db, url) });
  return [
    {
      what: `written by a first run of ${grouped(tasks)} tasks`,
      unit: 'written',
      ours: told(first.writtenBytes),
      ...(tasks === TASKS ? { most: MOST_OF_FIRST } : {}),
    },
    {
      what: 'written by a sync that finds nothing',
      unit: 'written',
      ours: medianOf(alone, (run) => told(run.writtenBytes)),
      most: MOST_OF_QUIET,
    },
    {
      what: 'written by a run that finds nothing, in a process that stays',
      unit: 'written',
      ours: medianOf(staying, Number),
      most: MOST_OF_QUIET,
    },
  ];
}

/** Returns the bytes that each of many quiet runs in one process wrote. */
async function quietInOne(db: string, url: string): Promise<number> {
  const path = fileURLToPath(new URL('../processes/quiet.ts', import.meta.url));
  const { stdout } = await spend({ args: [path, db, url, API_KEY], onlyWall: true });
  const { writtenARun }: { writtenARun: number } = JSON.parse(stdout);
  return writtenARun;
}

function told(bytes: number | null): number {
  if (bytes === null) throw new Error('The process did not tell what it wrote.');
  return bytes;
}
