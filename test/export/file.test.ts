import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import type { Cell } from '../../src/commands/output/encode.ts';
import { EXIT, InterruptedError, OutputError, UsageError } from '../../src/errors.ts';
import { mountSmallDisk } from '../crash/small-disk.ts';
import { Captured } from '../support/captured.ts';
import { exported, exportedMirror } from './mirror.ts';

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
  const result = { columns: ['text'], origins: [{ column: null, type: null }], rows: rows() };
  return {
    state,
    openForQuery: async () => ({ run: () => result, parametersOf: () => [], close: () => {} }),
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
  'leaves the older file and nothing else where a %s export is interrupted in the middle',
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

it('leaves nothing where a row cannot be had in the middle', async () => {
  const file = await exportedMirror();
  const output = join(file, '../tasks.csv');
  const { openForQuery } = endless(() => {
    throw new UsageError('no more');
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
  expect(failure).toMatchObject({
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

it('does not print Parquet on a terminal', async () => {
  const file = await exportedMirror();
  await expect(exported(file, { format: 'parquet' }, { stdout: new Captured(80) })).rejects.toThrow(
    UsageError,
  );
});
