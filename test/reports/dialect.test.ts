import { expect, onTestFinished, test } from 'vitest';
import type { Asked } from '../../src/reports/ask.ts';
import { historyOf, idsFrom, taskRow } from '../../src/reports/history.ts';
import { REPORTS, runReport } from '../../src/reports/index.ts';
import type { Dialect, Reportable, Value } from '../../src/store/reportable.ts';
import { openReportable } from '../../src/store/sqlite/reports/reportable.ts';
import { exampleMirror } from './example.ts';
import { EVERYTHING } from './kit.ts';

/** The same in other words, as another engine would have them: no hints, other keys, each piece by itself. */
const OTHER_WORDS = {
  msBetween: (from, to) =>
    `cast(round(1000.0 * (unixepoch(${to}, 'subsec') - unixepoch(${from}, 'subsec'))) as integer)`,
  lastCreatedId: `substr(max(created_at || '/' || id), 26)`,
  openTasks: 'tasks',
  unsearched: '',
  rowKey: 'id',
  async measurePieces(ask, { filter: { where, parameters }, measures, pieces }) {
    const measured: (readonly Value[])[] = [];
    for (const { from, until } of pieces) {
      const [values = []] = await ask(
        `select ${measures} from tasks where ${where} and created_at >= :from and created_at < :until`,
        { ...parameters, from, until },
      );
      measured.push(values);
    }
    return measured;
  },
} satisfies Partial<Dialect>;

test.each(REPORTS)('report $name says the same in the words of another engine', async ({ name }) => {
  const { asked } = await exampleMirror();
  const scope = { ...EVERYTHING, timezone: 'Europe/Berlin' };
  const others = { ask: asked.ask, dialect: { ...asked.dialect, ...OTHER_WORDS } };
  expect(await runReport(name, others, scope)).toEqual(await runReport(name, asked, scope));
});

test('all that reports and history write themselves is SQL that is not of one engine', async () => {
  const { asked, file } = await exampleMirror();
  const statements: string[] = [];
  const dialect = { ...asked.dialect, ...OTHER_WORDS, msBetween: () => 'null', percentile: () => 'null' };
  const ask: Asked['ask'] = (sql, parameters) => {
    statements.push(sql);
    return asked.ask(sql, parameters);
  };
  for (const { name } of REPORTS) await runReport(name, { ask, dialect }, EVERYTHING);
  const mirror = openReportable(file);
  onTestFinished(() => mirror.close());
  const run: Reportable['run'] = (sql, ...rest) => {
    statements.push(sql);
    return mirror.run(sql, ...rest);
  };
  const written = { ...mirror, run, dialect: { ...dialect, changeOrder: 'observed_at' } };
  for (const given of [taskRow, idsFrom, historyOf]) await given(written, 'a1');
  expect(statements.length).toBeGreaterThan(20);
  const ofSqlite = /strftime|julianday|unixepoch|json_|pragma|percentile|rowid|indexed by|iif|char\(|match/i;
  expect(statements.filter((sql) => ofSqlite.test(sql))).toEqual([]);
});
