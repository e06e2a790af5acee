import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { copy, type CopyContext, type CopyFlags, type CopyOutcome } from '../../src/cli/commands/copy.ts';
import { type CopyPlace, copyPlaceOf } from '../../src/cli/copy-place.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { hintOf } from '../../src/cli/hints.ts';
import { openCopyOrigin, openCopyTarget } from '../../src/cli/wire.ts';
import { InterruptedError, UsageError } from '../../src/model/errors.ts';
import type { CopyTarget } from '../../src/store/copyable.ts';
import { generateTasks } from '../../src/source/simulated/generate.ts';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { Captured } from '../support/captured.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { readRows, temporaryFolder } from '../support/mirror.ts';
import { syncBench } from '../support/sync.ts';
import { EPOCH } from '../support/tasks.ts';

const FILES = { targetAt: () => Promise.reject(new Error('These tests have no server.')) };

/** A mirror in a file, and the command in a folder of its own. */
async function mirrored(change: (target: CopyTarget) => void = () => {}) {
  const bench = await syncBench();
  await bench.sync(new SimulatedList(generateTasks({ count: 250, seed: 3, now: EPOCH })));
  const cwd = temporaryFolder();
  const [stdout, stderr] = [new Captured(), new Captured()];
  const controller = new AbortController();
  const context: CopyContext = {
    io: { stdout, stderr, env: {}, cwd },
    settings: DEFAULTS,
    clock: createFakeClock(),
    signal: controller.signal,
    openOrigin: (place) => openCopyOrigin(place, FILES),
    async openTarget(place, origin) {
      const target = await openCopyTarget(place, origin, FILES);
      change(target);
      return target;
    },
  };
  const run = (flags: Partial<CopyFlags> = {}) =>
    copy(context, { from: bench.file, to: 'copy.db', json: false, ...flags });
  return { ...bench, copied: join(cwd, 'copy.db'), controller, context, stdout, stderr, run };
}

const outcomeIn = (stdout: Captured): CopyOutcome => JSON.parse(stdout.text) as CopyOutcome;

describe('taskmirror copy', () => {
  test('tells rows and checksum of each table, and what the next run still has to do', async () => {
    const { file, copied, stdout, stderr, run } = await mirrored();
    expect(await run()).toBe(EXIT.done);
    const select = 'select * from tasks order by id';
    expect(readRows(copied, select)).toEqual(readRows(file, select));
    expect(stdout.text).toMatch(/^sources +1 {2}[\da-f]{32} {2}equal\n/);
    expect(stdout.text).toMatch(/\ntasks +250 {2}[\da-f]{32} {2}equal\n/);
    expect(stdout.text).toContain(`\n${file} is copied to ${copied}\n`);
    expect(stdout.text).toMatch(/\nThe next run there builds the indexes .*\n$/);
    expect(stderr.text).toBe('');
  });

  test('prints one object with --json', async () => {
    const { file, copied, stdout, run } = await mirrored();
    expect(await run({ json: true })).toBe(EXIT.done);
    const outcome = outcomeIn(stdout);
    expect(outcome).toMatchObject({ ok: true, from: file, to: copied });
    const tasks = outcome.tables.find(({ table }) => table === 'tasks');
    expect(tasks).toEqual({
      table: 'tasks',
      origin: tasks?.target,
      target: { rows: 250, checksum: expect.stringMatching(/^[\da-f]{32}$/) },
      setAside: 0,
      leftOut: 0,
      isExact: true,
    });
  });

  test('ends with exit code 6 where the target holds something else, and stays unfinished', async () => {
    const { stdout, stderr, run } = await mirrored((target) => {
      const write = target.write.bind(target);
      target.write = async (table, rows) => {
        await write(table, table === 'tasks' ? rows.slice(1) : rows);
        return { rows, setAside: [], leftOut: 0 };
      };
    });
    expect(await run()).toBe(EXIT.differences);
    expect(stdout.text).toMatch(/\ntasks +249 {2}[\da-f]{32} {2}differs: 250 rows, [\da-f]{32}\n/);
    expect(stdout.text).not.toContain('is copied');
    expect(stderr.text).toContain('stays an unfinished copy');
    await expect(run()).resolves.toBe(EXIT.differences);
  });

  test('ends with exit code 3 where the target cannot hold some rows, and counts them', async () => {
    const { stdout, run } = await mirrored((target) => {
      const write = target.write.bind(target);
      target.write = async (table, rows) => {
        const [first = [], ...rest] = rows;
        if (table !== 'tasks') return write(table, rows);
        const time = '2026-01-01T00:00:00.000Z';
        const aside = [
          'default',
          `sha256:${String(first[0])}`,
          first[0] ?? null,
          '{}',
          'no',
          time,
          time,
          null,
        ];
        await write('rejected_rows', [aside]);
        return { rows: (await write(table, rest)).rows, setAside: [aside], leftOut: 2 };
      };
    });
    expect(await run()).toBe(EXIT.partial);
    expect(stdout.text).toContain('\n1 task cannot be held there: see the table rejected_rows of the copy\n');
    expect(stdout.text).toContain('\n2 rows about tasks that are not there were left out\n');
    expect(stdout.text).toContain(' is copied to ');
  });

  test('shows how far each step is', async () => {
    const { file, context, run } = await mirrored();
    let now = 0;
    const [stderr, clock] = [new Captured(80), { ...context.clock, now: () => (now += 1_000) }];
    const flags = { from: file, to: 'copy.db', json: false };
    expect(await copy({ ...context, clock, io: { ...context.io, stderr } }, flags)).toBe(EXIT.done);
    expect(stderr.text).toMatch(/\[#+\.*\] copy: \d+ of \d+ rows.*\[#{24}\] check: (\d+) of \1 rows/s);
    await expect(run()).rejects.toThrow('holds a mirror');
  });

  test('stops at a signal, and goes on when it is run again', async () => {
    const { file, copied, controller, context, run } = await mirrored((target) => {
      const write = target.write.bind(target);
      target.write = async (table, rows) => {
        const written = await write(table, rows);
        if (table === 'tasks') controller.abort(new InterruptedError('interrupted by SIGINT'));
        return written;
      };
    });
    await expect(run()).rejects.toThrow(InterruptedError);
    const again = {
      ...context,
      openTarget: (place: CopyPlace, origin: string) => openCopyTarget(place, origin, FILES),
      signal: new AbortController().signal,
    };
    expect(await copy(again, { from: file, to: copied, json: false })).toBe(EXIT.done);
  });
});

const inFolder = (text: string, schema?: string) => ({ text, schema, settings: DEFAULTS, cwd: '/somewhere' });

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}

describe('the places of a copy', () => {
  test('are files or URLs with a schema', () => {
    expect(copyPlaceOf('from', inFolder('a.db'))).toEqual({ kind: 'file', file: '/somewhere/a.db' });
    const url = 'postgres://me@db.example/tasks';
    expect(copyPlaceOf('to', inFolder(url))).toEqual({
      kind: 'postgres',
      url,
      schema: 'taskmirror',
    });
    expect(copyPlaceOf('to', inFolder(url, 'other'))).toMatchObject({ schema: 'other' });
  });

  test('name the file of an authority whole, and leave those of the system as they are', () => {
    const url = 'postgres://me@db.example/tasks?sslrootcert=';
    for (const [given, path] of [
      ['ca.pem', '/somewhere/ca.pem'],
      ['system', 'system'],
    ]) {
      expect(copyPlaceOf('from', inFolder(`${url}${given}`))).toMatchObject({ url: `${url}${path}` });
    }
  });

  test('never have a password in the URL, which the message does not repeat', () => {
    const error = thrownBy(() => copyPlaceOf('to', inFolder('postgres://me:s3cret@db.example/tasks')));
    expect(error).toBeInstanceOf(UsageError);
    expect(hintOf(error)).toContain('PGPASSWORD');
    expect(`${String(error)} ${hintOf(error)}`).not.toContain('s3cret');
  });

  test.each([
    ['a.db', 'other', '--to-schema goes with a URL'],
    ['a.db ', undefined, '--to'],
    ['postgres://db.example/tasks', undefined, 'names no user'],
    ['postgres://me@db.example/tasks', '', '--to-schema: expected'],
    ['postgres://me@db.example/tasks', 'x'.repeat(64), '--to-schema: expected'],
  ])('are refused: %j, schema %j', (text, schema, message) => {
    expect(() => copyPlaceOf('to', inFolder(text, schema))).toThrow(message);
  });

  test('are both needed, and nothing is made for a copy that cannot begin', async () => {
    const { copied, run } = await mirrored();
    for (const flags of [{ from: undefined }, { to: undefined }, { from: 'missing.db' }]) {
      await expect(run(flags)).rejects.toThrow(/--from and --to|no mirror/);
    }
    expect(existsSync(copied)).toBe(false);
  });
});
