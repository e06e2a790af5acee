import { expect, test } from 'vitest';
import { REPORTS, runReport } from '../../src/reports/index.ts';
import type { Asked } from '../../src/reports/ask.ts';
import { READER_INDEXES } from '../../src/store/sqlite/reader-indexes.ts';
import { readRows } from '../support/mirror.ts';
import { exampleMirror } from './example.ts';
import { EVERYTHING } from './kit.ts';

const SINCE = '2026-03-28T00:00:00.000Z';
const SCOPES = {
  'all tasks': { since: '2000-01-01T00:00:00.000Z' },
  'a period': { since: SINCE, until: '2026-03-30T00:00:00.000Z' },
  'a user': { user: 'ada' },
  'a status': { status: 'failed' },
  'a user in a period': { user: 'ada', since: SINCE },
};

/** Every step of the plans by which SQLite answers a report. */
async function planOf(name: string, { ask, dialect }: Asked, scope: object): Promise<string[]> {
  const steps: string[] = [];
  const explaining: Asked = {
    dialect,
    async ask(sql, parameters) {
      const plan = await ask(`explain query plan ${sql}`, parameters);
      steps.push(...plan.map((step) => String(step[3])));
      return ask(sql, parameters);
    },
  };
  await runReport(name, explaining, { ...EVERYTHING, ...scope });
  return steps;
}

/** A mirror with all its indexes. */
async function indexedMirror() {
  const mirror = await exampleMirror();
  mirror.index();
  // An EXPLAIN does not notice that another connection has changed the schema; this does.
  await mirror.asked.ask('select count(*) from tasks', {});
  return mirror;
}

const reports = REPORTS.map(({ name }) => name);
/** By rowid are read the few that are shown, by tasks_open the few that are not over. */
const CHEAP = /USING (?:COVERING INDEX|INTEGER PRIMARY KEY \(rowid=\?\)|INDEX tasks_open)/;

// SQLite chooses its plans without statistics, so they are the same for ten tasks and for a million.
test.each(Object.entries(SCOPES))(
  'on %s no report reads tasks but through an index that holds all it needs',
  async (_, scope) => {
    const { asked } = await indexedMirror();
    const ofTasks: string[] = [];
    for (const name of reports) {
      const steps = await planOf(name, asked, scope);
      const reading = steps.filter((step) => /^(?:SCAN|SEARCH) tasks\b/.test(step));
      ofTasks.push(...reading.map((step) => `${name}: ${step}`));
    }
    expect(ofTasks.length).toBeGreaterThan(10);
    expect(ofTasks.filter((step) => !CHEAP.test(step))).toEqual([]);
  },
);

test('every index that only readers need serves a report, or the status', async () => {
  const { asked } = await indexedMirror();
  const plans: string[] = [];
  for (const scope of Object.values(SCOPES)) {
    for (const name of reports) plans.push(...(await planOf(name, asked, scope)));
  }
  const status = await asked.ask('explain query plan select removed_rows from mirror_status', {});
  plans.push(...status.map((step) => String(step[3])));
  const used = READER_INDEXES.filter(({ name }) => plans.some((step) => step.includes(` ${name}`)));
  expect(used).toEqual(READER_INDEXES);
});

test('days and hours are looked up one by one with the indexes, and found in one pass without', async () => {
  const [indexed, bare] = [await indexedMirror(), await exampleMirror()];
  for (const name of ['daily', 'hours']) {
    expect(await planOf(name, indexed.asked, {})).toContain('SCAN piece');
    expect(await planOf(name, bare.asked, {})).not.toContain('SCAN piece');
  }
});

test('the indexes are built once, however often that is asked for', async () => {
  const { file, index } = await exampleMirror();
  index();
  index();
  const names = readRows<{ name: string }>(
    file,
    `select name from sqlite_schema where type = 'index' and name like 'reader%'`,
  );
  expect(names.map(({ name }) => name)).toEqual(READER_INDEXES.map(({ name }) => name));
});
