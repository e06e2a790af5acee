import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { listSaved } from '../../../src/cli/commands/query/saved.ts';
import { readStatement, type StatementSource } from '../../../src/cli/commands/query/statement.ts';
import { InterruptedError, UsageError } from '../../../src/model/errors.ts';
import { temporaryFolder } from '../../support/mirror.ts';
import { toldBy } from '../../support/told.ts';

let cwd: string;
let queriesFolder: string;

beforeEach(() => {
  cwd = temporaryFolder();
  queriesFolder = join(cwd, 'queries');
});

function read(given: Partial<StatementSource>): Promise<string> {
  return readStatement({
    argument: undefined,
    file: undefined,
    stdin: () => terminal(),
    cwd,
    queriesFolder,
    signal: new AbortController().signal,
    ...given,
  });
}

/** Nobody types into it. */
function terminal() {
  return Object.assign(new Readable({ read() {} }), { isTTY: true });
}

function piped(...parts: (string | Uint8Array)[]) {
  return () => Readable.from(parts.map((part) => Buffer.from(part)));
}

function save(name: string, sql: string | Uint8Array): void {
  mkdirSync(queriesFolder, { recursive: true });
  writeFileSync(join(queriesFolder, name), sql);
}

describe('the statement', () => {
  it('is an argument, and stdin is not touched', async () => {
    const stdin = vi.fn<typeof terminal>(terminal);
    expect(await read({ argument: 'select 1', stdin })).toBe('select 1');
    expect(stdin).not.toHaveBeenCalled();
  });

  it('is in a file, relative to the working directory', async () => {
    writeFileSync(join(cwd, 'q.sql'), '\uFEFFselect 2;\n');
    expect(await read({ file: 'q.sql' })).toBe('select 2;\n');
  });

  it.each<Partial<StatementSource>>([{ argument: '-' }, { file: '-' }, {}])(
    'comes from stdin for %j',
    async (given) => {
      // A character of three bytes falls between two chunks.
      const [before, after] = [
        Buffer.from("select '漢").subarray(0, 9),
        Buffer.from("select '漢'").subarray(9),
      ];
      expect(await read({ ...given, stdin: piped(before, after) })).toBe("select '漢'");
    },
  );

  it('is not waited for if nothing is named and stdin is a terminal', async () => {
    await expect(read({})).rejects.toThrow('no SQL was given');
  });

  it('is refused if it is given twice, missing, too large, or not text', async () => {
    writeFileSync(join(cwd, 'large.sql'), 'x'.repeat(1024 * 1024 + 1));
    writeFileSync(join(cwd, 'bytes.sql'), Uint8Array.of(0xff, 0xfe));
    const wrong: Partial<StatementSource>[] = [
      { argument: 'select 1', file: 'large.sql' },
      { file: 'none.sql' },
      { file: '.' },
      { file: 'large.sql' },
      { file: 'bytes.sql' },
      { stdin: piped('x'.repeat(1024 * 1024), 'x') },
      { stdin: piped(Uint8Array.of(0xff, 0xfe)) },
    ];
    for (const given of wrong) await expect(read(given)).rejects.toThrow(UsageError);
  });

  it('is no longer waited for after an interrupt', async () => {
    const stopping = new AbortController();
    const reading = read({ argument: '-', stdin: terminal, signal: stopping.signal });
    stopping.abort(new InterruptedError('stop'));
    await expect(reading).rejects.toThrow(InterruptedError);
  });
});

describe('a saved query', () => {
  it('is NAME.sql in the folder', async () => {
    save('slow-tasks_2.sql', 'select 3');
    expect(await read({ argument: '@slow-tasks_2' })).toBe('select 3');
  });

  it('that is not there is an error that names those that are', async () => {
    save('slow.sql', 'select 1');
    save('errors.sql', 'select 1');
    expect(await toldBy(read({ argument: '@sloow' }))).toMatchObject({
      message: expect.stringContaining('"sloow"'),
      hint: expect.stringContaining('errors, slow'),
      exitCode: 2,
    });
  });

  it('leads nowhere else: its name is a plain word', async () => {
    writeFileSync(join(cwd, 'outside.sql'), 'select 1');
    save('.hidden.sql', 'select 1');
    save('a.b.sql', 'select 1');
    mkdirSync(join(queriesFolder, 'below'));
    writeFileSync(join(queriesFolder, 'below', 'q.sql'), 'select 1');
    const names = [
      '../outside',
      join(cwd, 'outside'),
      'below/q',
      '.hidden',
      'a.b',
      '',
      '..',
      'x'.repeat(10_000),
    ];
    for (const name of names) await expect(read({ argument: `@${name}` })).rejects.toThrow(UsageError);
  });

  it('is as bounded as any file', async () => {
    save('large.sql', 'x'.repeat(1024 * 1024 + 1));
    symlinkSync('/dev/zero', join(queriesFolder, 'endless.sql'));
    for (const name of ['large', 'endless']) {
      await expect(read({ argument: `@${name}` })).rejects.toThrow('larger than 1024 KB');
    }
  });

  it('is listed by name, with its first line if that is a comment', () => {
    save('b.sql', '\n  --   Slowest first\n-- more\nselect 1');
    save('a.sql', 'select 1 -- no heading');
    save('c.sql', '--\nselect 1');
    save('notes.txt', '-- no query');
    save('not a name.sql', '-- no name');
    const { columns, rows } = listSaved(queriesFolder);
    expect(columns).toEqual(['name', 'description']);
    expect([...rows]).toEqual([
      ['a', null],
      ['b', 'Slowest first'],
      ['c', ''],
    ]);
  });

  it('is listed among the others if its file cannot be read, with the reason', () => {
    save('good.sql', '-- Slowest first');
    symlinkSync('nowhere', join(queriesFolder, 'gone.sql'));
    expect([...listSaved(queriesFolder).rows]).toEqual([
      ['gone', 'this file does not exist'],
      ['good', 'Slowest first'],
    ]);
  });

  it('is reported as missing, with its place', () => {
    expect(() => listSaved(queriesFolder)).toThrow(`there are no saved queries in ${queriesFolder}`);
    writeFileSync(queriesFolder, 'a file');
    expect(() => listSaved(queriesFolder)).toThrow('cannot be read (ENOTDIR)');
  });
});
