import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/mirror.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';
import { holdList, KEY, serveTasks, teamTasks, type TestApi } from './api.ts';
import type { MakeDatabase, SharedDatabase } from './database.ts';

const NEVER = '0 0 1 1 *';

/** What several daemons on one database have to hold. `make` gives a database, of which nothing is made yet. */
export function standbyContract(engine: string, make: MakeDatabase): void {
  describe(`three daemons on one database: ${engine}`, () => {
    test('where the one that syncs is killed in the middle of its run, another goes on, and none complains', async () => {
      const setup = await setUp(make, { schedule: NEVER, fullSchedule: null });
      const { api, database } = setup;
      const held = holdList(api, 2);
      const holder = setup.start();
      await held.arrived;
      const others = [setup.start(), setup.start()];
      for (const other of others)
        await other.line(new RegExp(`held by process ${holder.pid} on .*standing by`));
      const { stdout } = await runProgram(['status', '--config', 'mirrors.json', '--json'], setup);
      expect(JSON.parse(stdout)).toMatchObject({ sources: [{ holder: { pid: holder.pid } }] });

      holder.kill('SIGKILL');
      await holder.ended;
      held.release();
      await Promise.any(others.map((other) => other.line(/this process syncs the source now/)));
      for (const other of others) await other.line(/"run ok"|has served this slot/);
      expect(await database.rows('select outcome from sync_runs order by id')).toEqual([
        { outcome: 'interrupted' },
        { outcome: 'ok' },
      ]);
      const verified = await runProgram(['verify', '--config', 'mirrors.json'], setup);
      expect(verified).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/300 rows compared/) as unknown,
      });
      await stopQuietly(others);
    });

    test('make one full walk for each slot of the full schedule', async () => {
      const setup = await setUp(make, { schedule: NEVER, fullSchedule: '*/10 * * * * *' });
      const daemons = [setup.start(), setup.start(), setup.start()];
      const left = /full run that is wanted is left to another process/;
      await Promise.all(
        daemons.map((daemon) => daemon.line(new RegExp(`"kind":"reconcile".*"run ok"|${left.source}`))),
      );
      const walks = await setup.database.rows<{ started_at: string | Date }>(
        "select started_at from sync_runs where kind = 'reconcile'",
      );
      const slots = walks.map((walk) => Math.floor(new Date(walk.started_at).getTime() / 10_000));
      expect(slots.length).toBeGreaterThan(0);
      expect(new Set(slots).size).toBe(slots.length);
      await stopQuietly(daemons);
    });
  });
}

/** Ends daemons, which have had nothing to warn of. */
async function stopQuietly(daemons: readonly Program[]): Promise<void> {
  for (const daemon of daemons) daemon.kill('SIGTERM');
  for (const { ended } of daemons) {
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    expect(stderr.split('\n').filter((line) => /"level":"(?:warn|error)"|run failed/.test(line))).toEqual([]);
    expect(stderr.match(/standing by/g)?.length ?? 0).toBeLessThanOrEqual(2);
  }
}

interface Setup {
  api: TestApi;
  cwd: string;
  env: Record<string, string>;
  database: SharedDatabase;
  start(): Program;
}

async function setUp(
  make: MakeDatabase,
  schedules: { schedule: string; fullSchedule: string | null },
): Promise<Setup> {
  const api = await serveTasks(teamTasks(300));
  const cwd = temporaryFolder();
  const database = await make(cwd);
  const config = {
    database: database.setting,
    ...schedules,
    sources: [{ name: 'team', baseUrl: api.url, apiKey: { env: 'TEAM_KEY' } }],
    log: { level: 'trace' },
  };
  writeFileSync(join(cwd, 'mirrors.json'), JSON.stringify(config));
  const env = { TEAM_KEY: KEY };
  return {
    api,
    cwd,
    env,
    database,
    start: () => startProgram(['daemon', '--config', 'mirrors.json'], { cwd, env }),
  };
}
