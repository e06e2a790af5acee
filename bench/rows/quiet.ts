import { API_KEY } from '../api.ts';
import { grouped } from '../../src/render/text.ts';
import type { Bench } from '../fixtures.ts';
import { alternate, type Command, spend } from '../measure.ts';
import { type Measured, medianOf } from '../verdict.ts';

/**
 * Measures a `sync` that finds nothing, as cron runs it, and a small `query`, against a Node without work.
 */
export async function quiet(bench: Bench): Promise<Measured[]> {
  const [few, many] = [1_000, bench.quick ? 100_000 : 1_000_000];
  const ours = {
    few: await quietSync(bench, few),
    many: await quietSync(bench, many),
    query: await smallQuery(bench, few),
  };
  const bare: Command = { args: ['-e', '0'], onlyWall: true };
  const runs = await alternate(bench.quick ? 11 : 31, {
    bare: () => spend(bare),
    few: () => spend(ours.few),
    many: () => spend(ours.many),
    query: () => spend(ours.query),
  });
  const wall = { bare: 0, few: 0, many: 0, query: 0 };
  for (const name of ['bare', 'few', 'many', 'query'] as const)
    wall[name] = medianOf(runs[name], ({ wallMs }) => wallMs);
  return [
    {
      what: `sync that finds nothing, ${grouped(few)} mirrored tasks / node -e 0`,
      unit: 'ms',
      ours: wall.few,
      yardstick: wall.bare,
      most: 3,
    },
    {
      what: `sync that finds nothing, ${grouped(many)} mirrored tasks / node -e 0`,
      unit: 'ms',
      ours: wall.many,
      yardstick: wall.bare,
      most: 3,
    },
    {
      what: `  ${grouped(many)} mirrored tasks / ${grouped(few)}`,
      unit: 'ms',
      ours: wall.many,
      yardstick: wall.few,
    },
    {
      what: `query of ${grouped(few)} mirrored tasks / node -e 0`,
      unit: 'ms',
      ours: wall.query,
      yardstick: wall.bare,
      most: 2.5,
    },
  ];
}

/** Returns the command, after a run that left nothing to find and filled the compile cache. */
async function quietSync(bench: Bench, tasks: number): Promise<Command> {
  const db = await bench.mirror(tasks);
  const { url } = await bench.api(tasks);
  const { report } = await bench.program.sync({ db, url });
  if (report.requests !== 1 || report.inserted + report.updated > 0) {
    throw new Error(`Not a quiet run: ${JSON.stringify(report)}`);
  }
  const env = { SIGMIC_API_KEY: API_KEY, SIGMIC_BASE_URL: url };
  return { ...bench.program.command(db, ['sync'], env), onlyWall: true };
}

/** Returns the first query of the README, after a run that filled the compile cache. */
async function smallQuery(bench: Bench, tasks: number): Promise<Command> {
  const sql = 'select status, count(*) as tasks from tasks group by status order by tasks desc';
  const command = bench.program.command(await bench.mirror(tasks), ['query', sql]);
  const { stdout } = await spend({ ...command, onlyWall: true });
  if (!stdout.includes('completed')) throw new Error(`Not what the mirror holds: ${stdout}`);
  return { ...command, onlyWall: true };
}
