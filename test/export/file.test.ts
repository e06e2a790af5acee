import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import type { Cell } from '../../src/store/queryable.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { InterruptedError, OutputError, UsageError } from '../../src/model/errors.ts';
import type { Output } from '../../src/platform/terminal.ts';
import { mountSmallDisk } from '../crash/small-disk.ts';
import { batchesOf } from '../support/batches.ts';
import { Captured } from '../support/captured.ts';
import { exported, exportedMirror } from './mirror.ts';
import { told } from '../support/told.ts';

const namesBeside = (file: string): string[] =>
  readdirSync(join(file, '..')).filter((name) => !name.startsWith(basename(file)));

/** A mirror whose rows never end, and what happens at the 5,000th. */
function endless(happens: () => void) {
  const state = { closed: false };
  function* rows(): Generator<Cell[]> {
    try {
      for (let i = 0; ; i++) {
        if (i === 5_000) happens();
        yield ['x'.repeat(100)];
      }
    } finally {
      state.closed = true;
    }
  }
  const result = { columns: ['text'], origins: [{ column: null, type: null }], batches: batchesOf(rows()) };
  return {
    state,
    openForQuery: async () => ({
      run: async () => result,
      parametersOf: async () => [],
      close: async () => {},
    }),
  };
}

it('makes a file that only its owner can read, and replaces it', async () => {
  const file = await exportedMirror();
  const output = join(file, '../gaps.csv');
  writeFileSync(output, 'older', { mode: 0o644 });
  await exported(file, { what: 'gaps', output });
  expect(readFileSync(output, 'utf8')).toBe('source,lower,upper\n');
  expect(statSync(output).mode & 0o777).toBe(0o600);
  expect(namesBeside(file)).toEqual(['gaps.csv']);
});

it('follows a link to the file that it replaces', async () => {
  const file = await exportedMirror();
  const [real, link] = [join(file, '../real.csv'), join(file, '../link.csv')];
  writeFileSync(real, 'older');
  symlinkSync(real, link);
  await exported(file, { what: 'gaps', output: link });
  expect(readFileSync(real, 'utf8')).toBe('source,lower,upper\n');
});

it.each(['csv', 'jsonl', 'parquet'] as const)(
  'leaves the older file and nothing else if a %s export is interrupted in the middle',
  async (format) => {
    const file = await exportedMirror();
    const output = join(file, '../tasks.out');
    writeFileSync(output, 'older');
    const controller = new AbortController();
    const { state, openForQuery } = endless(() => controller.abort(new InterruptedError('stop')));
    const failure = exported(file, { output, format }, { signal: controller.signal, openForQuery });
    await expect(failure).rejects.toThrow(InterruptedError);
    expect(namesBeside(file)).toEqual(['tasks.out']);
    expect(readFileSync(output, 'utf8')).toBe('older');
    expect(state.closed).toBe(true);
  },
);

it('leaves nothing if a row in the middle fails', async () => {
  const file = await exportedMirror();
  const output = join(file, '../tasks.csv');
  const { openForQuery } = endless(() => {
    throw new UsageError('sql_failed', { tables: [], columns: {}, isOfSqlite: false }, 'no more');
  });
  await expect(exported(file, { output }, { openForQuery })).rejects.toThrow('no more');
  expect(namesBeside(file)).toEqual([]);
});

it('says that the disk is full, which is exit code 10, and leaves nothing', async ({ skip }) => {
  using disk = mountSmallDisk() ?? skip('no small disk can be mounted here (it takes root on Linux)');
  const file = await exportedMirror();
  disk.leaveFree(64);
  const output = join(disk.folder, 'tasks.csv');
  const failure: unknown = await exported(
    file,
    { output },
    endless(() => {}),
  ).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(OutputError);
  expect(told(failure)).toMatchObject({
    message: `${output} cannot be written: the disk is full`,
    hint: expect.stringContaining('space'),
    exitCode: EXIT.database,
  });
  expect(readdirSync(disk.folder)).toEqual([]);
});

it('never writes over the mirror, by whatever name, nor over what is no file', async () => {
  const file = await exportedMirror();
  const before = readFileSync(file);
  const folder = join(file, '..');
  linkSync(file, join(folder, 'hard.csv'));
  symlinkSync(file, join(folder, 'soft.csv'));
  mkdirSync(join(folder, 'folder.csv'));
  writeFileSync(`${file}-wal`, '');
  for (const output of [file, `${file}-wal`, 'hard.csv', 'soft.csv']) {
    await expect(exported(file, { output, format: 'csv' })).rejects.toThrow(/is the mirror itself/);
  }
  await expect(exported(file, { output: 'folder.csv' })).rejects.toThrow(/is not a file/);
  await expect(exported(file, { output: 'nowhere/tasks.csv' })).rejects.toThrow(UsageError);
  expect(readFileSync(file).equals(before)).toBe(true);
});

it('prints if the file is called -, in every format, and creates no file of that name', async () => {
  const file = await exportedMirror();
  for (const format of ['csv', 'jsonl'] as const) {
    expect(await exported(file, { format, output: '-' })).toBe(await exported(file, { format }));
  }
  const printed: Uint8Array[] = [];
  const stdout: Output = {
    write: (piece, done) => {
      printed.push(Buffer.from(piece));
      done?.();
    },
  };
  await exported(file, { format: 'parquet', output: '-' }, { stdout });
  expect(Buffer.concat(printed).toString('latin1')).toMatch(/^PAR1[^]*PAR1$/);
  await expect(
    exported(file, { format: 'parquet', output: '-' }, { stdout: new Captured(80) }),
  ).rejects.toThrow(UsageError);
  expect(namesBeside(file)).toEqual([]);
  await exported(file, { format: 'csv', output: './-' });
  expect(namesBeside(file)).toEqual(['-']);
});

it('makes the file that a link leads to, and leaves the link', async () => {
  const file = await exportedMirror();
  const folder = join(file, '..');
  mkdirSync(join(folder, 'data'));
  symlinkSync('data/tasks.csv', join(folder, 'link.csv'));
  await exported(file, { output: 'link.csv' });
  expect(readFileSync(join(folder, 'data/tasks.csv'), 'utf8')).toBe(await exported(file, {}));
  expect(lstatSync(join(folder, 'link.csv')).isSymbolicLink()).toBe(true);
  symlinkSync('loop.csv', join(folder, 'loop.csv'));
  await expect(exported(file, { output: 'loop.csv' })).rejects.toThrow(/cannot be written: ELOOP/);
  expect(lstatSync(join(folder, 'loop.csv')).isSymbolicLink()).toBe(true);
});

it('refuses a name with a control character, and one that SQLite may give to a file of the mirror', async () => {
  const file = await exportedMirror();
  await expect(exported(file, { format: 'csv', output: 'tasks.csv\r' })).rejects.toThrow(
    /control characters/,
  );
  await expect(exported(file, { format: 'csv', output: `${file}-journal` })).rejects.toThrow(
    /is the mirror itself/,
  );
  expect(namesBeside(file)).toEqual([]);
});

it('shows a terminal escapes in CSV, and a pipe every text as it is', async () => {
  const file = await exportedMirror();
  const hostile = "select char(27) || '[31mred' || char(155) || char(0x202e) as x";
  const stdout = new Captured(80);
  await exported(file, { query: hostile }, { stdout });
  expect(stdout.text).toBe(String.raw`x` + '\n' + String.raw`\u001b[31mred\u009b\u202e` + '\n');
  expect(await exported(file, { query: hostile })).toBe('x\n\u001b[31mred\u009b\u202e\n');
});

it('does not print Parquet on a terminal', async () => {
  const file = await exportedMirror();
  await expect(exported(file, { format: 'parquet' }, { stdout: new Captured(80) })).rejects.toThrow(
    UsageError,
  );
});
