import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { readStatus, status } from '../../src/cli/commands/status.ts';
import type { Settings } from '../../src/config/settings.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { DatabaseError } from '../../src/model/errors.ts';
import type { MirrorReader, RetentionState, RunSummary, SourceStatus } from '../../src/store/store.ts';
import { Captured } from '../support/captured.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const NOW = Date.parse('2026-01-26T16:00:00.000Z');

const SOURCE: SourceStatus = {
  source: 'default',
  baseUrl: 'https://api.sigmic.ai',
  completeThrough: '2026-01-26T15:56:00.000Z',
  watermark: '2026-01-26T15:56:00.000Z',
  gaps: [],
  liveRows: 12_003,
  openTasks: 3,
  rejectedRows: 0,
  learnedOverlapMs: 0,
  removedRows: 0,
  apiTotal: 12_005,
  heldBy: [],
  lastRunAt: '2026-01-26T15:58:00.000Z',
  lastRunKind: 'incremental',
  lastRunOutcome: 'ok',
  lastSuccessAt: '2026-01-26T15:58:00.340Z',
  lastCleanFullAt: null,
  holder: null,
};

const RUN: RunSummary = {
  id: 7,
  source: 'default',
  kind: 'incremental',
  startedAt: '2026-01-26T15:58:00.000Z',
  finishedAt: '2026-01-26T15:58:00.340Z',
  outcome: 'ok',
  verdict: 'clean',
  requests: 1,
  rowsSeen: 100,
  inserted: 3,
  updated: 2,
  unchanged: 95,
  removed: 0,
  rejected: 0,
  error: null,
};

const NOT_PRUNED: RetentionState = { changesThrough: null, removedThrough: null };
const NO_RETENTION = { changesDays: null, removedDays: null };

function fakeReader(
  sources: SourceStatus[],
  runs: RunSummary[],
  pruned = NOT_PRUNED,
): MirrorReader & { closed: number } {
  return {
    closed: 0,
    status: async () => sources,
    recentRuns: async (limit) => runs.slice(0, limit),
    retention: async () => pruned,
    leftovers: async () => [],
    async close() {
      this.closed++;
    },
  };
}

async function shown(
  sources: SourceStatus[],
  runs: RunSummary[],
  {
    json = false,
    columns,
    retention = NO_RETENTION,
    pruned,
  }: {
    json?: boolean;
    columns?: number;
    retention?: Settings['retention'];
    pruned?: RetentionState;
  } = {},
): Promise<Captured> {
  const stdout = new Captured(columns);
  const reader = fakeReader(sources, runs, pruned);
  const context = {
    io: { stdout, stderr: new Captured(), env: {}, cwd: '/' },
    clock: createFakeClock(NOW),
    settings: { ...DEFAULTS, retention },
    openReader: async () => reader,
  };
  expect(await status(context, { json })).toBe(EXIT.done);
  expect(reader.closed).toBe(1);
  return stdout;
}

describe('status --json', () => {
  it('prints every source with its gaps as intervals, and the last runs', async () => {
    const gaps = [{ lower: null, upper: '2026-01-25T00:00:00.000Z' }];
    const { text } = await shown([{ ...SOURCE, gaps }], [RUN], { json: true });
    expect(JSON.parse(text)).toEqual({
      sources: [{ ...SOURCE, gaps }],
      runs: [RUN],
      retention: { ...NO_RETENTION, ...NOT_PRUNED },
      hooks: [],
    });
  });

  it('is the same shape for an empty mirror', async () => {
    expect(JSON.parse((await shown([], [], { json: true })).text)).toEqual({
      sources: [],
      runs: [],
      retention: { ...NO_RETENTION, ...NOT_PRUNED },
      hooks: [],
    });
  });
});

describe('status for people', () => {
  it('shows all facts about a source', async () => {
    expect((await shown([SOURCE], [RUN])).text).toBe(
      [
        'default  https://api.sigmic.ai',
        '  complete through  2026-01-26T15:56:00.000Z (4 m ago)',
        '  gaps              none',
        '  live rows         12,003 (the API counts 12,005)',
        '  open tasks        3',
        '  rejected rows     0',
        '  removed rows      0',
        '  last run          2026-01-26T15:58:00.000Z (2 m ago), took 340 ms',
        '                    incremental: ok, clean; 1 request',
        '                    100 rows seen: 3 new, 2 changed',
        '  last success      2026-01-26T15:58:00.340Z (2 m ago)',
        '  last clean full   never',
        '',
        'Last runs',
        'started  kind         result     requests  new  changed  took',
        '-------  -----------  ---------  --------  ---  -------  ------',
        '2 m ago  incremental  ok, clean         1    3        2  340 ms',
        '',
      ].join('\n'),
    );
  });

  it('calls a full run "full", while programs get the stored name', async () => {
    const run = { ...RUN, kind: 'reconcile' } as const;
    const { text } = await shown([SOURCE], [run]);
    expect(text).toContain('\n                    full: ok, clean; 1 request\n');
    expect(text).toMatch(/\n2 m ago {2}full {2}ok, clean/);
    expect(text).not.toContain('reconcile');
    expect((await shown([SOURCE], [run], { json: true })).text).toContain('"kind": "reconcile"');
  });

  it('says which of its tasks other sources hold, in lines that fit', async () => {
    const heldBy = [
      { source: 'team', rows: 2_990 },
      { source: 'x'.repeat(40), rows: 1 },
    ];
    const { text, lines } = await shown([{ ...SOURCE, liveRows: 9, apiTotal: 3_000, heldBy }], []);
    expect(text).toContain(
      [
        '  live rows         9 (the API counts 3,000)',
        '                    2,990 of them are held by source team',
        '',
      ].join('\n'),
    );
    expect(text.replaceAll(/\s+/g, ' ')).toContain(`1 of them are held by source ${'x'.repeat(40)}`);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('says which process syncs a source now, in lines that fit', async () => {
    const holder = { pid: 4242, host: 'worker-3.example', since: '2026-01-26T15:58:00.000Z' };
    const { text, lines } = await shown([{ ...SOURCE, holder }], []);
    expect(text).toContain(
      [
        '  now               being synced by process 4242 on worker-3.example since',
        '                    2026-01-26T15:58:00.000Z (2 m ago)',
        '  last run ',
      ].join('\n'),
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    const { text: json } = await shown([{ ...SOURCE, holder }], [], { json: true });
    expect(JSON.parse(json)).toMatchObject({ sources: [{ holder }] });
  });

  it('shows what is pruned, and nothing if nothing ever was or will be', async () => {
    expect((await shown([SOURCE], [])).text).not.toContain('Retention');
    const pruned = { changesThrough: '2026-01-01T00:00:00.000Z', removedThrough: null };
    const retention = { changesDays: 30, removedDays: null };
    const { text } = await shown([SOURCE], [], { retention, pruned });
    expect(text).toContain(
      [
        'Retention',
        '  changes           kept for 30 days; pruned through 2026-01-01T00:00:00.000Z',
        '  removed tasks     kept forever',
        '',
      ].join('\n'),
    );
    expect((await shown([SOURCE], [], { pruned })).text).toContain('kept forever; pruned through');
    expect((await shown([SOURCE], [], { retention, json: true })).text).toContain('"changesDays": 30');
  });

  it('lists gaps as intervals, and says what is not known yet', async () => {
    const gaps: SourceStatus['gaps'] = [6, 5, 4, 3, 2, 1].map((day) => ({
      lower: `2026-01-1${day}T00:00:00.000Z`,
      upper: `2026-01-1${day}T12:00:00.000Z`,
    }));
    gaps.push({ lower: null, upper: '2026-01-02T00:00:00.000Z' });
    const { text } = await shown(
      [{ ...SOURCE, gaps, completeThrough: null, apiTotal: null, rejectedRows: 4 }],
      [],
    );
    expect(text).toContain('gaps              2026-01-16T00:00:00.000Z to 2026-01-16T12:00:00.000Z\n');
    expect(text).toContain('and 2 older ones\n');
    expect(text).toContain('complete through  nothing is proven yet\n');
    expect(text).toContain('(the API gave no total)');
    expect(text).toContain('4 (see: select * from rejected_rows)');
    const backfill = await shown(
      [{ ...SOURCE, gaps: [{ lower: null, upper: '2026-01-02T00:00:00.000Z' }] }],
      [],
    );
    expect(backfill.text).toContain('gaps              everything up to 2026-01-02T00:00:00.000Z\n');
  });

  it('shows the complete error of a failed run, in lines that fit, without control characters', async () => {
    const error = `The API at http://127.0.0.1 failed\u001b[31m: ${'word '.repeat(40)}end`;
    const { text, lines } = await shown(
      [SOURCE],
      [{ ...RUN, outcome: 'failed', verdict: null, error, requests: 9 }],
    );
    expect(text).toContain('incremental: failed; 9 requests');
    expect(text).not.toContain('\u001b');
    expect(text.match(/word/g)).toHaveLength(40);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('shows a run that has not finished', async () => {
    const { text } = await shown([SOURCE], [{ ...RUN, finishedAt: null, outcome: null, verdict: null }]);
    expect(text).toContain('(2 m ago)\n                    incremental: not finished; 1 request');
  });

  it('finds the last run of each of several sources, and the last five of all', async () => {
    const runs = [7, 6, 5, 4, 3, 2].map((id) => ({
      ...RUN,
      id,
      source: id === 2 ? 'other' : 'default',
      requests: id,
    }));
    const { text, lines } = await shown([SOURCE, { ...SOURCE, source: 'other' }], runs);
    expect(text).toContain('incremental: ok, clean; 7 requests');
    expect(text).toContain('incremental: ok, clean; 2 requests');
    const table = lines.slice(lines.indexOf('Last runs') + 3);
    expect(table.map((line) => line.split(/ {2,}/)[1])).toEqual(Array.from({ length: 5 }, () => 'default'));
  });

  it('shows of a forgotten source only how many removed tasks keep its name', async () => {
    const forgotten = { ...SOURCE, lastRunAt: null, liveRows: 0, removedRows: 1_200, completeThrough: null };
    expect((await shown([forgotten], [])).text).toBe(
      'default  https://api.sigmic.ai\n  forgotten         only 1,200 removed tasks left under its name\n',
    );
  });

  it('says what to do with an empty mirror', async () => {
    expect((await shown([], [])).text).toMatch(/^Nothing is mirrored yet\. Run "taskmirror sync"/);
  });

  it('passes on that there is no mirror', async () => {
    const missing = new DatabaseError('database_missing', { file: 'm.db' }, 'there is no mirror');
    const context = {
      io: { stdout: new Captured(), stderr: new Captured(), env: {}, cwd: '/' },
      clock: createFakeClock(NOW),
      settings: DEFAULTS,
      openReader: () => Promise.reject(missing),
    };
    await expect(status(context, { json: false })).rejects.toBe(missing);
  });

  it('asks for the newest 20 runs', async () => {
    const runs = Array.from({ length: 30 }, (_, index) => ({ ...RUN, id: 30 - index }));
    expect((await readStatus(fakeReader([SOURCE], runs), NO_RETENTION)).runs.map((run) => run.id)).toEqual(
      runs.slice(0, 20).map((run) => run.id),
    );
  });
});

/** What `--max-age` says of sources; `names`: those that the settings name. */
async function judged(sources: SourceStatus[], maxAge: string, names: string[] = []) {
  const [stdout, stderr] = [new Captured(), new Captured()];
  const apiKey = { env: 'KEY' };
  const settings: Settings = {
    ...DEFAULTS,
    sources: names.map((name) => ({ name, baseUrl: 'https://api.sigmic.ai', apiKey })),
  };
  const context = {
    io: { stdout, stderr, env: {}, cwd: '/' },
    clock: createFakeClock(NOW),
    settings,
    openReader: async () => fakeReader(sources, []),
  };
  const code = await status(context, { json: false, maxAge });
  return { code, complaints: stderr.text, shown: stdout.text };
}

describe('status --max-age', () => {
  const never = { ...SOURCE, source: 'bots', lastSuccessAt: null };

  it('accepts a success that is recent enough', async () => {
    expect(await judged([SOURCE], '2m')).toMatchObject({ code: EXIT.done, complaints: '' });
  });

  it('reports an older one, and still shows the status', async () => {
    const { code, complaints, shown: text } = await judged([SOURCE], '90s');
    expect(code).toBe(EXIT.differences);
    expect(complaints).toBe(
      'taskmirror: the last success of source "default" was 2 m ago; --max-age allows 90s\n',
    );
    expect(text).toMatch(/^default {2}https/);
  });

  it('reports every source that never had one, even one that only the settings know', async () => {
    const { code, complaints } = await judged([SOURCE, never], '1h', ['default', 'bots', 'new']);
    expect(code).toBe(EXIT.differences);
    expect(complaints.match(/source "\w+" has never been mirrored completely/g)).toEqual([
      'source "bots" has never been mirrored completely',
      'source "new" has never been mirrored completely',
    ]);
  });

  it('ignores a source that the settings no longer name', async () => {
    expect(await judged([SOURCE, never], '1h', ['default'])).toMatchObject({ code: EXIT.done });
    expect(await judged([SOURCE, never], '1h')).toMatchObject({ code: EXIT.differences });
  });

  it('ignores a forgotten source if the settings name none', async () => {
    const forgotten = { ...never, lastRunAt: null };
    expect(await judged([SOURCE, forgotten], '1h')).toMatchObject({ code: EXIT.done });
  });

  it('reports that nothing is mirrored', async () => {
    const { code, complaints } = await judged([], '1h');
    expect(code).toBe(EXIT.differences);
    expect(complaints).toMatch(/no source is mirrored yet/);
  });

  it('refuses an invalid duration before it opens anything', async () => {
    const context = {
      io: { stdout: new Captured(), stderr: new Captured(), env: {}, cwd: '/' },
      clock: createFakeClock(NOW),
      settings: DEFAULTS,
      openReader: () => Promise.reject(new Error('was opened')),
    };
    await expect(status(context, { json: false, maxAge: 'soon' })).rejects.toThrow(/--max-age "soon"/);
  });
});
