import { fileURLToPath } from 'node:url';
import { grouped } from '../../src/render/text.ts';
import { API_KEY } from '../api.ts';
import type { Bench } from '../fixtures.ts';
import { alternate, spend, writtenBytes } from '../measure.ts';
import { type Measured, medianOf } from '../verdict.ts';

const TASKS = 1_000_000;
/** Bytes that a first run of so many tasks may write. Fewer tasks fit into fewer pages of an index, so they write less each. */
const MOST_OF_FIRST = 6.5e9;
/** Bytes that a run which finds nothing may write. */
const MOST_OF_QUIET = 50e3;

/** What runs write: a first one, one that finds nothing, and the same in a process that stays, as a daemon does. */
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

/** Bytes that each of many quiet runs in one process wrote. */
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
