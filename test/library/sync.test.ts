import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  ApiFailedError,
  InterruptedError,
  KeyRefusedError,
  LeaseHeldError,
  openMirror,
  reportOf,
  TaskmirrorError,
  UsageError,
} from '../../src/index.ts';
import type { OmittableField, SyncOptions } from '../../src/index.ts';
import { apiError } from '../source/http/loopback.ts';
import { inMirrorOrder, memoryLog, mirroredTasks, readRows } from '../support/mirror.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { KEY, libraryBench, rejectionOf } from './open.ts';

const MINUTE = 60_000;

describe('sync', () => {
  test('mirrors the list, and returns the report of the run', async () => {
    const { mirror, options, file, list } = await libraryBench(tasksApart(250, MINUTE));
    const report = await mirror.sync(options);
    expect(report).toMatchObject({
      name: 'default',
      kind: 'backfill',
      outcome: 'ok',
      verdict: 'clean',
      inserted: 250,
    });
    expect(mirroredTasks(file)).toEqual(inMirrorOrder(list.all()));
    const [status, ...others] = await mirror.status();
    expect(others).toEqual([]);
    expect(status).toMatchObject({ source: 'default', liveRows: 250, gaps: [], lastRunOutcome: 'ok' });
    expect(status?.completeThrough).toBe(report.completeThrough);
  });

  test('asks once if nothing is new', async () => {
    const { mirror, options, api } = await libraryBench(tasksApart(250, MINUTE));
    await mirror.sync(options);
    const before = api.requests.length;
    expect(await mirror.sync(options)).toMatchObject({ kind: 'incremental', requests: 1, inserted: 0 });
    expect(api.requests.length - before).toBe(1);
  });

  test('syncs several sources at once, each under its name', async () => {
    const { mirror, options } = await libraryBench(tasksApart(20, MINUTE));
    const reports = await Promise.all(
      ['a', 'b'].map((source) => mirror.sync({ ...options, source, concurrency: 1 })),
    );
    expect(reports.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['a', 'ok'],
      ['b', 'ok'],
    ]);
    expect((await mirror.status()).map(({ source }) => source)).toEqual(['a', 'b']);
  });

  test('returns a run that rejected a row: its outcome is partial', async () => {
    const { mirror, options, api } = await libraryBench(tasksApart(10, MINUTE));
    const plain = api.bodyOf;
    api.bodyOf = (page) => plain(page).replace('"t000003"', '12');
    expect(await mirror.sync(options)).toMatchObject({ outcome: 'partial', rejected: 1, inserted: 9 });
  });

  test('plans without writing in a dry run', async () => {
    const { mirror, options, file } = await libraryBench(tasksApart(10, MINUTE));
    const report = await mirror.sync({ ...options, dryRun: true });
    expect(report.plan?.insert).toHaveLength(10);
    expect(mirroredTasks(file)).toEqual([]);
  });

  test('removes what is gone in a full run', async () => {
    const { mirror, options, list } = await libraryBench(tasksApart(10, MINUTE));
    await mirror.sync(options);
    list.remove('t000004');
    expect(await mirror.sync({ ...options, full: true })).toMatchObject({ kind: 'reconcile', removed: 1 });
  });

  test('logs with the source and the run in each line, and never the key', async () => {
    const { mirror, options } = await libraryBench(tasksApart(10, MINUTE));
    const log = memoryLog();
    await mirror.sync({ ...options, log });
    expect(log.lines.length).toBeGreaterThan(0);
    for (const { fields } of log.lines) expect(fields).toMatchObject({ source: 'default', run: 1 });
    expect(JSON.stringify(log.lines)).not.toContain(KEY);
  });
});

describe('a sync that fails', () => {
  test('throws KeyRefusedError for a key that the API refuses', async () => {
    const { mirror, options, api } = await libraryBench(tasksApart(10, MINUTE));
    api.fault = () => apiError(401, 'INVALID_API_KEY');
    const error = await rejectionOf(mirror.sync(options));
    expect(error).toBeInstanceOf(KeyRefusedError);
    expect(error).toBeInstanceOf(TaskmirrorError);
    expect(String(error)).not.toContain(KEY);
    expect(reportOf(error)).toMatchObject({ outcome: 'failed', inserted: 0, requests: 1 });
  });

  test('has a report of what was committed before', async () => {
    const { mirror, options, api, file } = await libraryBench(tasksApart(250, MINUTE));
    api.fault = (number) => (number < 3 ? null : apiError(500, 'INTERNAL'));
    const error = await rejectionOf(mirror.sync({ ...options, concurrency: 1, pageSize: 50 }));
    expect(error).toBeInstanceOf(ApiFailedError);
    const report = reportOf(error);
    expect(report?.outcome).toBe('failed');
    expect(report?.inserted).toBeGreaterThan(0);
    expect(mirroredTasks(file)).toHaveLength(report?.inserted ?? NaN);
  });

  test('goes on with the next sync where it stopped', async () => {
    const { mirror, options, api, file, list } = await libraryBench(tasksApart(250, MINUTE));
    api.fault = (number) => (number < 3 ? null : apiError(500, 'INTERNAL'));
    const failed = reportOf(await rejectionOf(mirror.sync({ ...options, concurrency: 1, pageSize: 50 })));
    api.fault = () => null;
    const report = await mirror.sync(options);
    expect([report.outcome, report.inserted]).toEqual(['ok', 250 - (failed?.inserted ?? NaN)]);
    expect(mirroredTasks(file)).toEqual(inMirrorOrder(list.all()));
  });

  test('throws LeaseHeldError while another sync of the source is under way', async () => {
    const { mirror, options } = await libraryBench(tasksApart(10, MINUTE));
    const first = mirror.sync(options);
    const error = await rejectionOf(mirror.sync(options));
    expect(error).toBeInstanceOf(LeaseHeldError);
    expect(reportOf(error)).toMatchObject({ kind: null, outcome: 'failed' });
    expect((await first).outcome).toBe('ok');
  });

  test('throws InterruptedError when its signal aborts, and keeps what was committed', async () => {
    const { mirror, options, file } = await libraryBench(tasksApart(250, MINUTE));
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = ({ inserted }: { inserted: number }) => {
      if (inserted > 0) controller.abort(reason);
    };
    const { signal } = controller;
    const error = await rejectionOf(
      mirror.sync({ ...options, concurrency: 1, pageSize: 20, signal, onProgress }),
    );
    expect(error).toBeInstanceOf(InterruptedError);
    expect((error as Error).cause).toBe(reason);
    const kept = mirroredTasks(file).length;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(250);
    expect(reportOf(error)).toMatchObject({ outcome: 'interrupted', inserted: kept });
  });

  test('has no report if no run began for it', async () => {
    const { mirror, options } = await libraryBench([]);
    expect(reportOf(await rejectionOf(mirror.sync({ ...options, pageSize: 1 })))).toBeUndefined();
    expect(reportOf('no error')).toBeUndefined();
  });
});

describe('options', () => {
  test.each<[string, Partial<SyncOptions>]>([
    ['pageSize', { pageSize: 2 }],
    ['pageSize', { pageSize: 10.5 }],
    ['concurrency', { concurrency: 0 }],
    ['overlapSeconds', { overlapSeconds: -1 }],
    ['requestTimeoutSeconds', { requestTimeoutSeconds: NaN }],
    ['retrySeconds', { retrySeconds: 100_000 }],
    ['maxRequestsPerSecond', { maxRequestsPerSecond: 0 }],
    ['retention.changesDays', { retention: { changesDays: 0 } }],
    ['source', { source: 'no spaces' }],
    ['allowRemovals', { allowRemovals: true }],
    ['base URL', { baseUrl: 'http://example.com' }],
    ['apiKey', { apiKey: undefined as unknown as string }],
    ['apiKey', { apiKey: { value: KEY } as unknown as string }],
    ['source', { source: null as unknown as string }],
    ['baseUrl', { baseUrl: 7 as unknown as string }],
    ['full', { full: 'yes' as unknown as boolean }],
    ['signal', { signal: {} as AbortSignal }],
    ['log', { log: {} as NonNullable<SyncOptions['log']> }],
    ['onProgress', { onProgress: 'print' as unknown as () => void }],
    ['retention', { retention: null as unknown as object }],
    ['retention.removedDay', { retention: { removedDay: 9 } as object }],
    ['no option pagesize', { pagesize: 50 } as object],
  ])('out of bounds are refused before any request: %s of %j', async (name, wrong) => {
    const { mirror, options, api, file } = await libraryBench([]);
    const error = await rejectionOf(mirror.sync({ ...options, ...wrong }));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toContain(name);
    expect((error as Error).message).not.toContain(KEY);
    expect(api.requests).toEqual([]);
    expect(readRows(file, 'select * from sync_runs')).toEqual([]);
  });

  test.each([undefined, null, KEY, ['apiKey', KEY]])(
    'that are no object are refused: %j',
    async (options) => {
      const { mirror } = await libraryBench([]);
      const error = await rejectionOf(mirror.sync(options as unknown as SyncOptions));
      expect(error).toMatchObject({ code: 'option_invalid', facts: { option: 'options' } });
      expect(String(error)).not.toContain(KEY);
      await expect(openMirror('unmade.db', (options ?? null) as object)).rejects.toMatchObject({
        code: 'option_invalid',
      });
    },
  );

  test('that are undefined count as not given', async () => {
    const { mirror, options } = await libraryBench(tasksApart(10, MINUTE));
    const report = await mirror.sync({
      ...options,
      pageSize: undefined,
      signal: undefined,
      retention: undefined,
    });
    expect(report.outcome).toBe('ok');
  });
});

describe('omitFields', () => {
  const secret = 'never on the disk';
  const tasks = [completedTask('t', EPOCH, { systemPrompt: secret, message: 'kept' })];

  test('given at open keep a field off the disk', async () => {
    const { mirror, options, file } = await libraryBench(tasks, { omitFields: ['systemPrompt'] });
    await mirror.sync(options);
    expect(mirroredTasks(file)).toMatchObject([{ systemPrompt: null, message: 'kept' }]);
    await mirror.close();
    expect(readFileSync(file).includes(secret)).toBe(false);
  });

  test('given later clear the stored values', async () => {
    const { mirror, options, file } = await libraryBench(tasks);
    await mirror.sync(options);
    await mirror.close();
    expect(readFileSync(file).includes(secret)).toBe(true);
    await using again = await openMirror(file, { omitFields: ['systemPrompt'] });
    await again.sync(options);
    await again.close();
    expect(readFileSync(file).includes(secret)).toBe(false);
  });

  test('that are misspelt are refused, and no file is made', async () => {
    const { file } = await libraryBench([]);
    const omitFields = ['systemprompt' as OmittableField];
    await expect(openMirror(`${file}.other`, { omitFields })).rejects.toThrow(/omitFields.*"systemprompt"/);
    const misspelt = { omitField: ['systemPrompt'] } as object;
    await expect(openMirror(`${file}.other`, misspelt)).rejects.toThrow(/no option omitField: .*omitFields/);
    await expect(openMirror(`${file}.other`, { create: false })).rejects.toThrow(/there is no mirror/);
  });
});

test('searchIndex false keeps no full text index', async () => {
  const tables = "select name from sqlite_schema where name = 'task_search'";
  const withIndex = await libraryBench(tasksApart(10, MINUTE));
  await withIndex.mirror.sync(withIndex.options);
  expect(readRows(withIndex.file, tables)).toHaveLength(1);
  const without = await libraryBench(tasksApart(10, MINUTE), { searchIndex: false });
  await without.mirror.sync(without.options);
  expect(readRows(without.file, tables)).toEqual([]);
});
