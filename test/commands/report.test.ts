import { expect, it } from 'vitest';
import { REPORTS } from '../../src/reports/index.ts';
import type { Report } from '../../src/reports/report.ts';
import { reportCsv, reportJson, reportJsonLines } from '../../src/render/reports/encode.ts';
import { reportMarkdown } from '../../src/render/reports/markdown.ts';
import { report, reportList } from '../../src/cli/commands/report.ts';
import type { ReportFlags } from '../../src/cli/commands/report.ts';
import { loadSettings } from '../../src/config/load.ts';
import { EXIT, UsageError } from '../../src/model/errors.ts';
import { openReportable } from '../../src/store/sqlite/reports/reportable.ts';
import { Captured } from '../support/captured.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { syncBench } from '../support/sync.ts';
import { BY_DAY, BY_USER, reportOf } from './reports.ts';

const HOSTILE = reportOf(
  { ...BY_USER, name: 'u|1' },
  { ...BY_DAY, rows: BY_DAY.rows.slice(19, 22) },
  { ...BY_DAY, name: 'empty', rows: [] },
);
const ASKED = { user: 'a"b', status: null };

/** The rows of a report as objects, each with the name of its section. */
function objectsOf({ sections }: Report): Record<string, unknown>[] {
  return sections.flatMap(({ name, columns, rows }) =>
    rows.map((row) => ({
      section: name,
      ...Object.fromEntries(columns.map((column, index) => [column.name, row[index]])),
    })),
  );
}

it('json gives back what was asked and every value as it was', () => {
  const read: unknown = JSON.parse([...reportJson(HOSTILE, ASKED)].join(''));
  const rows = objectsOf(HOSTILE);
  const of = (name: string) =>
    rows.filter(({ section }) => section === name).map((row) => ({ ...row, section: undefined }));
  expect(read).toEqual({
    report: 'made',
    since: null,
    until: null,
    timezone: 'UTC',
    user: 'a"b',
    status: null,
    completeThrough: '2026-01-26T12:00:00.000Z',
    sections: { 'u|1': of('u|1'), days: of('days'), empty: [] },
  });
});

it('jsonl gives one row a line, with its section', () => {
  const lines = [...reportJsonLines(HOSTILE)].join('').trimEnd().split('\n');
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual(objectsOf(HOSTILE));
});

it('csv gives the rows of a single section, and a line a value for several', () => {
  expect([...reportCsv(reportOf({ ...BY_USER, rows: BY_USER.rows.slice(1, 3) }))].join('')).toBe(
    'user,tasks,success,run_ms,last_at\n' +
      '田中健二,6400,1,340,2026-01-25T00:00:00.000Z\n' +
      '"zoë 👋 | <b>\n",1600,0,7500000,\n',
  );
  const lines = [...reportCsv(HOSTILE)].join('').split('\n');
  expect(lines.slice(0, 3)).toEqual([
    'section,row,column,value',
    'u|1,1,user,emma.brown',
    'u|1,1,tasks,12800',
  ]);
  expect(lines.slice(-3)).toEqual(['days,3,day,2026-01-22', 'days,3,tasks,7', '']);
});

it('markdown has one line a row, and text in it means nothing to Markdown', () => {
  const lines = [...reportMarkdown(HOSTILE, ASKED)].join('').split('\n');
  expect(lines.slice(0, 9)).toEqual([
    '## A report',
    '',
    'all tasks · user a"b · times in UTC · complete through 2026-01-26 12:00',
    '',
    '### By user',
    '',
    '| User | Tasks | Success | Run p95 | Last task |',
    '| --- | --: | --: | --: | --- |',
    '| emma.brown | 12,800 | 93.4 % | 3 m 20 s | 2026-01-26 11:56 |',
  ]);
  expect(lines[10]).toBe('| zoë 👋 \\| \\<b\\><br> | 1,600 | 0.0 % | 2 h 5 m | - |');
  const cells = lines
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split(/(?<!\\)\|/).length - 2);
  expect(new Set(cells)).toEqual(new Set([5, 2]));
});

async function parts(stdout: Captured) {
  const { file } = await syncBench();
  const { settings } = await loadSettings({ env: {}, cwd: '/', flags: {} });
  const opened = { count: 0 };
  const openForMirror = async () => {
    opened.count++;
    const mirror = openReportable(file);
    return {
      ...mirror,
      close: async () => {
        opened.count--;
        await mirror.close();
      },
    };
  };
  const io = { stdout, stderr: new Captured(), env: {}, cwd: '/' };
  const signal = new AbortController().signal;
  return { io, settings, clock: createFakeClock(), signal, openForReports: openForMirror, opened };
}

it('reports on the mirror for the period, the user and the time zone that were asked for', async () => {
  const stdout = new Captured();
  const context = await parts(stdout);
  const flags = { since: '2w', until: '1d', user: 'emma', timezone: 'Asia/Tokyo', limit: '3' };
  expect(await report(context, 'overview', flags, 'json')).toBe(EXIT.done);
  expect(JSON.parse(stdout.text)).toMatchObject({
    report: 'overview',
    since: '2025-12-18T00:00:00.000Z',
    until: '2025-12-31T00:00:00.000Z',
    timezone: 'Asia/Tokyo',
    user: 'emma',
  });
  expect(context.opened.count).toBe(0);
});

it.each<[string, string, ReportFlags]>([
  ['no report "overvew"', 'overvew', {}],
  ['--limit 0', 'overview', { limit: '0' }],
  ['--limit 1e3', 'overview', { limit: '1e3' }],
  ['--timezone Mars', 'overview', { timezone: 'Mars' }],
  ['yesterdayish', 'overview', { since: 'yesterdayish' }],
  ['is not before', 'overview', { since: '1d', until: '2d' }],
])('refuses what makes no sense: %s', async (message, name, flags) => {
  const stdout = new Captured();
  const failed = report(await parts(stdout), name, flags, 'table');
  await expect(failed).rejects.toThrow(UsageError);
  await expect(failed).rejects.toThrow(message);
  expect(stdout.text).toBe('');
});

it('names the report that was meant', async () => {
  const failed = report(await parts(new Captured()), 'overvew', {}, 'table');
  await expect(failed).rejects.toMatchObject({ hint: expect.stringContaining('Did you mean "overview"?') });
});

it.each(['table', 'json', 'jsonl', 'csv', 'markdown'] as const)(
  'lists every report as %s',
  async (format) => {
    const stdout = new Captured();
    expect(await reportList({ stdout, stderr: stdout, env: {}, cwd: '/' }, format)).toBe(EXIT.done);
    for (const { name, summary } of REPORTS)
      expect(stdout.text).toMatch(new RegExp(`${name}.*${summary.slice(0, 9)}`));
  },
);
