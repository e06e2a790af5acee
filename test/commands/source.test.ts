import { describe, expect, test } from 'vitest';
import { sourceForget, sourceList, sourceMove, sourceRename } from '../../src/cli/commands/source.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { InterruptedError } from '../../src/model/errors.ts';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { openMirrorReader } from '../../src/store/sqlite/reader.ts';
import { openMirrorStore } from '../../src/store/sqlite/store.ts';
import { Captured } from '../support/captured.ts';
import { syncBench } from '../support/sync.ts';
import { tasksApart } from '../support/tasks.ts';
import { toldBy } from '../support/told.ts';

/** A mirror of 30 tasks of the source `default`, and the settings' sources by name and base URL. */
async function setUp(set: Record<string, string> = {}) {
  const bench = await syncBench();
  const { file, clock, store } = bench;
  await bench.sync(new SimulatedList(tasksApart(30, 60_000)));
  const stdout = new Captured();
  const sources = Object.entries(set).map(([name, baseUrl]) => ({ name, baseUrl, apiKey: { env: 'KEY' } }));
  const context = {
    io: { stdout, stderr: new Captured(), env: {}, cwd: '/' },
    settings: { ...DEFAULTS, sources },
    signal: new AbortController().signal,
    openMirror: ({ create }: { create: boolean }) =>
      openMirrorStore(file, { create, clock, omit: new Set() }),
    openReader: () => openMirrorReader(file),
  };
  const status = async () =>
    (await store.status()).map(({ source, baseUrl, liveRows }) => [source, baseUrl, liveRows]);
  return { context, stdout, store, status };
}

const API = 'https://api.example';

describe('the list of sources', () => {
  test('shows the contents of each source, and whether the settings have it', async () => {
    const { context, stdout, store } = await setUp({ default: API });
    const other = await store.claim({ name: 'old', baseUrl: 'https://old.example' });
    await other.release();
    await sourceList(context, { json: true });
    expect(JSON.parse(stdout.text)).toEqual({
      sources: [
        {
          source: 'default',
          baseUrl: API,
          inSettings: true,
          liveRows: 30,
          sharedRows: 0,
          removedRows: 0,
          rejectedRows: 0,
          lastRunAt: expect.any(String),
          lastSuccessAt: expect.any(String),
        },
        expect.objectContaining({ source: 'old', inSettings: false, liveRows: 0, lastSuccessAt: null }),
      ],
    });
  });

  test('is a few short lines for people', async () => {
    const { context, stdout } = await setUp();
    await sourceList(context, { json: false });
    expect(stdout.text).toMatch(
      /^default {2}https:\/\/api\.example\n {2}30 live tasks; not in the settings\n {2}last run \S+Z\n/,
    );
  });
});

describe('a source is renamed', () => {
  test('with its tasks, and the remaining change in the settings is named', async () => {
    const { context, stdout, status } = await setUp({ default: API });
    await sourceRename(context, 'default', 'team');
    expect(await status()).toEqual([['team', API, 30]]);
    expect(stdout.text).toBe(
      'source "default" of the mirror is now "team"\n' +
        '  The settings still have "default": name it "team" there before the next run.\n',
    );
  });

  test('only to a name that the settings accept', async () => {
    const { context, status } = await setUp();
    for (const name of ['', '-x', 'a b', 'x'.repeat(65)]) {
      const { exitCode, hint } = await toldBy(sourceRename(context, 'default', name));
      expect([exitCode, hint]).toEqual([2, expect.stringContaining('letters, digits')]);
    }
    expect(await status()).toEqual([['default', API, 30]]);
  });

  test('only if the mirror has it and not the new name; otherwise the known names and advice are given', async () => {
    const { context } = await setUp();
    expect(await toldBy(sourceRename(context, 'defualt', 'team'))).toMatchObject({
      exitCode: 2,
      message: 'the mirror has no source "defualt"',
      hint: 'The mirror has default.',
    });
    expect(await toldBy(sourceRename(context, 'default', 'default'))).toMatchObject({
      exitCode: 2,
      message: 'source "default" has this name already',
      hint: 'Give a new one.',
    });
  });
});

describe('a source is moved', () => {
  test('to a base URL in normal form, and the old one in the settings is named', async () => {
    const { context, stdout, status } = await setUp({ default: API });
    await sourceMove(context, 'default', 'https://new.example/v/');
    expect(await status()).toEqual([['default', 'https://new.example/v', 30]]);
    expect(stdout.text).toBe(
      'source "default" of the mirror is now a copy of https://new.example/v\n' +
        `  The settings still say ${API}: correct them before the next run.\n`,
    );
  });

  test('only to a base URL that a key may be sent to', async () => {
    const { context, status } = await setUp();
    expect(await toldBy(sourceMove(context, 'default', 'http://new.example'))).toMatchObject({
      code: 'base_url_invalid',
      exitCode: 2,
      message: expect.stringContaining('Use https://'),
    });
    expect(await status()).toEqual([['default', API, 30]]);
  });

  test('with the command that the refused run suggests', async () => {
    const { store } = await setUp();
    const run = store.claim({ name: 'default', baseUrl: 'https://new.example' });
    expect(await toldBy(run)).toMatchObject({
      exitCode: 2,
      hint: expect.stringMatching(/: taskmirror source move default https:\/\/new\.example$/),
    });
  });
});

describe('a source is forgotten', () => {
  test('with its live tasks only with --yes', async () => {
    const { context, status } = await setUp();
    expect(await toldBy(sourceForget(context, 'default', { yes: false }))).toMatchObject({
      code: 'source_has_tasks',
      exitCode: 2,
      message: 'source "default" still holds 30 live tasks; nothing was changed',
      hint: expect.stringMatching(/taskmirror source forget default --yes$/),
    });
    expect(await status()).toEqual([['default', API, 30]]);
  });

  test('and the fate of its tasks is reported', async () => {
    const { context, stdout, status } = await setUp({ default: API });
    await sourceForget(context, 'default', { yes: true });
    expect(await status()).toEqual([['default', API, 0]]);
    expect(stdout.text).toBe(
      'source "default" is forgotten: 0 tasks handed over, 30 tasks marked as removed\n' +
        '  30 removed tasks and their changes stay under its name: see the setting retention.removedDays.\n' +
        '  The settings still have "default": the next run mirrors it again.\n',
    );
  });

  test('twice: the second time nothing is left to forget, and the list shows that', async () => {
    const { context, stdout } = await setUp();
    await sourceForget(context, 'default', { yes: true });
    stdout.text = '';
    await sourceForget(context, 'default', { yes: true });
    await sourceList(context, { json: false });
    expect(stdout.text).toBe(
      'source "default" was forgotten before: nothing was left to forget\n' +
        '  30 removed tasks and their changes stay under its name: see the setting retention.removedDays.\n' +
        `default  ${API}\n  0 live tasks, 30 removed; not in the settings\n` +
        '  forgotten: only removed tasks are left under its name\n',
    );
  });

  test('in steps: if somebody interrupts them, the next call continues', async () => {
    const { context, status } = await setUp();
    const stop = new AbortController();
    stop.abort(new InterruptedError('stopped'));
    const stopped = sourceForget({ ...context, signal: stop.signal }, 'default', { yes: true });
    expect(await toldBy(stopped)).toMatchObject({ exitCode: 130 });
    await sourceForget(context, 'default', { yes: true });
    expect(await status()).toEqual([['default', API, 0]]);
  });

  test('only while no run is in progress', async () => {
    const { context, store, status } = await setUp();
    await store.claim({ name: 'default', baseUrl: API });
    expect(await toldBy(sourceForget(context, 'default', { yes: true }))).toMatchObject({
      exitCode: 11,
      hint: expect.stringContaining('Wait until it ends'),
    });
    expect(await status()).toEqual([['default', API, 30]]);
  });
});
