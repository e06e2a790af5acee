import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DatabaseError, UsageError } from '../../../src/model/errors.ts';
import type { MirrorStore } from '../../../src/store/store.ts';
import { SCHEMA_VERSION } from '../../../src/store/sqlite/identity.ts';
import { openDatabase } from '../../../src/store/sqlite/open.ts';
import { openMirrorReader } from '../../../src/store/sqlite/reader.ts';
import { openForQuery } from '../../../src/store/sqlite/readonly.ts';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/mirror.ts';
import { told } from '../../support/told.ts';

const SOURCE = { name: 'default', baseUrl: 'https://api.example' };

async function open(file: string, create = true): Promise<MirrorStore> {
  const store = await openMirrorStore(file, { create, clock: createFakeClock(), omit: new Set() });
  onTestFinished(() => store.close());
  return store;
}

/** A mirror of 2,000 tasks, closed. */
async function makeMirror(file: string): Promise<void> {
  const store = await open(file);
  const claim = await store.claim(SOURCE);
  const message = 'x'.repeat(200);
  const tasks = Array.from({ length: 2_000 }, (_, i) => mirrorTask(`t${i}`, i, { message }));
  await claim.commit(changeOf({ tasks }));
  await store.close();
}

/** A database of another program, closed. */
function makeForeign(file: string): void {
  const db = new Database(file);
  db.exec("create table notes (text); insert into notes values ('mine')");
  db.close();
}

async function makeNewer(file: string): Promise<void> {
  await makeMirror(file);
  const db = new Database(file);
  db.pragma('user_version = 99');
  db.close();
}

async function makeBroken(file: string): Promise<void> {
  await makeMirror(file);
  overwrite(file, 100, 3_900);
}

/** Every file of a folder with a hash of what it holds. */
function contentsOf(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => [entry.name, entry.isFile() ? hashOf(join(folder, entry.name)) : 'folder']),
  );
}

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

function overwrite(file: string, position: number, length: number): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(length, 0xa5), 0, length, position);
  closeSync(handle);
}

/** The DatabaseError that `work` ends with. */
async function refusalOf(work: Promise<unknown>): Promise<DatabaseError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof DatabaseError) return error;
  throw new Error('expected a DatabaseError', { cause: error });
}

describe('a new mirror', () => {
  test.skipIf(process.platform === 'win32')(
    'can be read by its owner only, -wal and -shm included',
    async () => {
      const umask = process.umask(0);
      onTestFinished(() => void process.umask(umask));
      const folder = temporaryFolder();
      const store = await open(join(folder, 'mirror.db'));
      await store.claim(SOURCE);
      const modes = readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o777]);
      expect(modes).toEqual([
        ['mirror.db', 0o600],
        ['mirror.db-shm', 0o600],
        ['mirror.db-wal', 0o600],
      ]);
    },
  );

  test('may take the place of an empty file, and is there for the next one who opens it without making one', async () => {
    const file = join(temporaryFolder(), 'mirror.db');
    writeFileSync(file, '');
    await (await open(file)).close();
    const store = await open(file, false);
    expect(await store.status()).toEqual([]);
  });

  test('has pages of 8 KB; one that was made with smaller pages stays as it is, and works', async () => {
    const made = join(temporaryFolder(), 'mirror.db');
    const older = join(temporaryFolder(), 'mirror.db');
    await makeMirror(made);
    const copy = new Database(made);
    copy.pragma('journal_mode = delete');
    copy.pragma('page_size = 4096');
    copy.exec(`vacuum into '${older}'`);
    copy.close();
    await makeMirror(older);
    const sizes = [made, older].map((file) => {
      const db = new Database(file, { readonly: true });
      onTestFinished(() => void db.close());
      return db.pragma('page_size', { simple: true });
    });
    expect(sizes).toEqual([8_192, 4_096]);
  });

  test('uses at most 2 MB of memory for pages, and as much for temporary tables', async () => {
    const db = await openDatabase(join(temporaryFolder(), 'mirror.db'), { create: true });
    onTestFinished(() => void db.close());
    db.exec('create temporary table met (task_rowid integer)');
    const sizes = ['main', 'temp'].map((schema) => db.pragma(`${schema}.cache_size`, { simple: true }));
    // In KB where it is negative, in pages where not (sqlite.org/pragma.html#pragma_cache_size).
    expect(sizes).toEqual([-2_000, -2_000]);
  });
});

describe('a link', () => {
  test('to a file that is not there yet: that file is made, and what SQLite keeps beside it is beside it', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'data'));
    symlinkSync('second.db', join(folder, 'mirror.db'));
    symlinkSync(join(folder, 'data/tasks.db'), join(folder, 'second.db'));
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    const store = await open(join(folder, 'mirror.db'));
    await store.claim(SOURCE);
    expect(readdirSync(join(folder, 'data')).toSorted()).toEqual([
      'tasks.db',
      'tasks.db-shm',
      'tasks.db-wal',
    ]);
    expect(statSync(join(folder, 'data/tasks.db')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).toSorted()).toEqual(['data', 'mirror.db', 'second.db']);
    await store.close();
    const again = await open(join(folder, 'mirror.db'), false);
    expect(await again.status()).toHaveLength(1);
  });

  test('to a folder that is not there is refused by both names, and nothing is made', async () => {
    const folder = temporaryFolder();
    const link = join(folder, 'mirror.db');
    symlinkSync('nowhere/tasks.db', link);
    const error = await refusalOf(open(link));
    expect(error.message).toContain(
      `${link}, a link to ${join(folder, 'nowhere/tasks.db')}, cannot be created`,
    );
    expect(told(error).hint).toMatch(/folder/);
    expect(readdirSync(folder)).toEqual(['mirror.db']);
  });

  test('that leads to itself is refused', async () => {
    const link = join(temporaryFolder(), 'mirror.db');
    symlinkSync(link, link);
    expect((await refusalOf(open(link))).message).toMatch(/cannot be read: ELOOP/);
  });

  test('to a missing file creates none if that is not allowed', async () => {
    const folder = temporaryFolder();
    symlinkSync('tasks.db', join(folder, 'mirror.db'));
    expect((await refusalOf(open(join(folder, 'mirror.db'), false))).message).toMatch(/there is no mirror/);
    expect(readdirSync(folder)).toEqual(['mirror.db']);
  });
});

describe("a name that ends in white space, which SQLite's driver leaves out,", () => {
  test.each(['mirror.db\r', 'mirror.db ', 'mirror.db\u00a0'])(
    '%j is refused, and no file is touched',
    async (name) => {
      const folder = temporaryFolder();
      await makeMirror(join(folder, 'mirror.db'));
      const before = contentsOf(folder);
      const file = join(folder, name);
      await expect(open(file)).rejects.toThrow(UsageError);
      writeFileSync(file, 'not a mirror');
      expect(() => openForQuery(file)).toThrow(UsageError);
      expect(contentsOf(folder)).toEqual({ ...before, [name]: expect.any(String) });
    },
  );

  test('does not matter at the beginning or in the middle', async () => {
    const folder = temporaryFolder();
    const store = await open(join(folder, ' my mirror.db'));
    await store.claim(SOURCE);
    expect(readdirSync(folder)).toContain(' my mirror.db-wal');
  });
});

describe('a file that cannot be a mirror is refused, exit code 10, and stays as it is:', () => {
  const cases: [string, { create?: boolean; make?: (file: string) => unknown; says: RegExp }][] = [
    ['no file, where none is to be made', { create: false, says: /there is no mirror at/ }],
    [
      'an empty file, where none is to be made',
      { create: false, make: (file) => writeFileSync(file, ''), says: /no mirror/ },
    ],
    ['a folder', { make: (file) => mkdirSync(file), says: /not a file/ }],
    [
      'a text file',
      { make: (file) => writeFileSync(file, 'Dear diary, '.repeat(100)), says: /not an SQLite database/ },
    ],
    ['the database of another program', { make: makeForeign, says: /another program/ }],
    [
      'a mirror of a newer version',
      {
        make: makeNewer,
        says: new RegExp(`newer taskmirror \\(schema 99, this one knows ${SCHEMA_VERSION}\\)`),
      },
    ],
    ['a mirror whose first page is damaged', { make: makeBroken, says: /damaged|not an SQLite database/ }],
  ];

  test.each(cases)('%s', async (_what, { create = true, make, says }) => {
    const folder = temporaryFolder();
    const file = join(folder, 'mirror.db');
    await make?.(file);
    const before = contentsOf(folder);
    const error = await refusalOf(
      openMirrorStore(file, { create, clock: createFakeClock(), omit: new Set() }),
    );
    expect(error.message).toMatch(says);
    expect(error.message).toContain(file);
    expect(told(error).hint).toMatch(/\S/);
    expect(told(error).exitCode).toBe(10);
    expect(contentsOf(folder)).toEqual(before);
  });

  test('a name in a folder that is not there', async () => {
    const file = join(temporaryFolder(), 'nowhere', 'mirror.db');
    const error = await refusalOf(open(file));
    expect(told(error)).toMatchObject({ exitCode: 10, message: expect.stringContaining(file) });
    expect(told(error).hint).toMatch(/folder/);
    expect(existsSync(join(file, '..'))).toBe(false);
  });

  test('the database of another program that crashed, with all that its WAL holds', async () => {
    const folder = temporaryFolder();
    const live = join(folder, 'live.db');
    const db = new Database(live);
    onTestFinished(() => void db.close());
    db.pragma('journal_mode = wal');
    db.exec("create table notes (text); insert into notes values ('mine')");
    const copies = temporaryFolder();
    // As a crash of that program would leave it.
    for (const end of ['', '-wal']) copyFileSync(`${live}${end}`, join(copies, `mirror.db${end}`));
    const error = await refusalOf(open(join(copies, 'mirror.db')));
    expect(error.message).toMatch(/another program/);
    const again = new Database(join(copies, 'mirror.db'), { readonly: true });
    onTestFinished(() => void again.close());
    expect(again.prepare('select text from notes').pluck().all()).toEqual(['mine']);
  });
});

describe('a mirror with damaged pages in its middle', () => {
  test('is said to be damaged, exit code 10, and a commit that meets them leaves no trace', async () => {
    const file = join(temporaryFolder(), 'mirror.db');
    await makeMirror(file);
    const { size } = statSync(file);
    overwrite(file, Math.floor(size / 4), Math.floor(size / 2));
    const store = await open(file);
    const claim = await store.claim(SOURCE);
    const tasks = Array.from({ length: 2_000 }, (_, i) => mirrorTask(`t${i}`, i, { messageCount: 9 }));
    const error = await refusalOf(claim.commit(changeOf({ tasks, total: 7 })));
    expect(told(error)).toMatchObject({
      exitCode: 10,
      message: expect.stringMatching(/mirror\.db.*damaged/),
    });
    expect(told(error).hint).toMatch(/move the file away/);
    expect((await claim.state()).total).toBeNull();
  });
});

/** Lets this process look like one of an older Node until the test is done. */
function onOldNode(): void {
  const original = Object.getOwnPropertyDescriptor(process, 'versions');
  Object.defineProperty(process, 'versions', {
    ...original,
    value: { ...process.versions, node: '20.20.2' },
  });
  onTestFinished(() => void Object.defineProperty(process, 'versions', original ?? {}));
}

describe('on a Node that is too old, on which better-sqlite3 would end the process silently,', () => {
  const expected = {
    name: UsageError.name,
    message: 'taskmirror needs Node 22.18 or newer, and this is Node 20.20.2',
  };

  test('opening a mirror for writing is an error that says so, and makes no file', async () => {
    const folder = temporaryFolder();
    onOldNode();
    await expect(open(join(folder, 'mirror.db'))).rejects.toMatchObject(expected);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('so is opening one for reading', async () => {
    const file = join(temporaryFolder(), 'mirror.db');
    await makeMirror(file);
    onOldNode();
    expect(() => openForQuery(file)).toThrow(expect.objectContaining(expected));
    await expect(openMirrorReader(file)).rejects.toMatchObject(expected);
  });
});
