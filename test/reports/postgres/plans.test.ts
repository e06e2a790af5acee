import { expect, onTestFinished, test } from 'vitest';
import { askedOf, REPORTS, runReport } from '../../../src/reports/index.ts';
import { generateTasks } from '../../../src/source/simulated/generate.ts';
import { openReportable } from '../../../src/store/postgres/reports/reportable.ts';
import type { Reportable } from '../../../src/store/reportable.ts';
import { bothEngines } from '../../support/postgres/both.ts';
import { describeWithServer, execute, targetOf } from '../../support/postgres/server.ts';
import { EVERYTHING, NOW } from '../kit.ts';

const SINCE = '2026-03-01T00:00:00.000Z';

const SCOPES = {
  'all tasks': { since: '2000-01-01T00:00:00.000Z' },
  'a period': { since: SINCE, until: '2026-03-30T00:00:00.000Z' },
  'a user': { user: 'ada' },
  'a status': { status: 'failed' },
  'a user in a period': { user: 'ada', since: SINCE },
};

/** A mirror as it is after a backfill, read by a role for which a scan of a table is never the cheapest. */
async function indexedMirror(): Promise<Reportable> {
  const tasks = generateTasks({ count: 500, seed: 3, now: NOW }).map((task) => ({
    ...task,
    env: null,
    extra: null,
  }));
  const { target } = await bothEngines(tasks, NOW);
  const role = `planner_${target.schema.slice(5)}`;
  await execute(
    target.url,
    `create role ${role} login superuser; alter role ${role} set enable_seqscan = off;
    alter role ${role} set enable_bitmapscan = off`,
  );
  onTestFinished(async () => void (await execute(target.url, `drop role ${role}`)));
  const url = new URL(target.url);
  url.username = role;
  const mirror = await openReportable(targetOf(url.href, { schema: target.schema }));
  onTestFinished(() => mirror.close());
  return mirror;
}

describeWithServer('the indexes of a mirror in PostgreSQL', () => {
  test('hold all that reports need of tasks, so that the rows themselves are not read', async () => {
    const asked = askedOf(await indexedMirror());
    const steps: string[] = [];
    for (const scope of Object.values(SCOPES)) {
      for (const { name } of REPORTS) {
        const ask: typeof asked.ask = async (sql, parameters) => {
          const plan = await asked.ask(`explain (costs off) ${sql}`, parameters);
          const ofTasks = plan.map(([step]) => String(step)).filter((step) => / on tasks\b/.test(step));
          steps.push(...ofTasks.map((step) => `${name}: ${step.replace(/^[\s->]*/, '')}`));
          return asked.ask(sql, parameters);
        };
        await runReport(name, { ...asked, ask }, { ...EVERYTHING, now: NOW, ...scope });
      }
    }
    expect(steps.length).toBeGreaterThan(100);
    // Read are the few tasks that are shown, by their key, those that are open, and those of one user, if the
    // server reckons that they are few.
    const few = /Index Scan (?:Backward )?using (?:tasks_pkey|tasks_open|reader_by_user) on/;
    expect(steps.filter((step) => !step.includes('Index Only Scan') && !few.test(step))).toEqual([]);
    const used = new Set(steps.map((step) => / using (reader_\w+) /.exec(step)?.[1]));
    for (const name of ['created_at', 'user', 'session', 'error_group'])
      expect(used).toContain(`reader_by_${name}`);
  });
});
