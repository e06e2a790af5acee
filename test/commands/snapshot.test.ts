import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { sqliteEngine } from '../../src/cli/engines/sqlite.ts';
import { makeSnapshot, snapshot } from '../../src/cli/commands/snapshot.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { generateTasks } from '../../src/source/simulated/generate.ts';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { DatabaseError, InterruptedError, UsageError } from '../../src/model/errors.ts';
import { openForQuery } from '../../src/store/sqlite/readonly.ts';
import { mountSmallDisk } from '../crash/small-disk.ts';
import { Captured } from '../support/captured.ts';
import { readRows } from '../support/mirror.ts';
import { syncBench } from '../support/sync.ts';
import { EPOCH } from '../support/tasks.ts';

/** A mirror that is open for writing, whose newest rows are in the WAL only, and another name in a folder beside it. */
async function mirrored() {
  const bench = await syncBench();
  await bench.sync(new SimulatedList(generateTasks({ count: 250, seed: 3, now: EPOCH })));
  const folder = join(dirname(bench.file), 'copies');
  mkdirSync(folder);
  return { ...bench, folder, copy: join(folder, 'copy.db') };
}

function contextFor(database: string, signal = new AbortController().signal) {
  const cwd = dirname(database);
  const settings = { ...DEFAULTS, database };
  const stdout = new Captured();
  return {
    settings,
    signal,
    engine: sqliteEngine(settings),
    stdout,
    io: { stdout, stderr: new Captured(), env: {}, cwd },
  };
}

const TABLES = ['tasks', 'task_changes', 'sources', 'gaps', 'sync_runs', 'rejected_rows', 'mirror_status'];

it('copies every row of every table while the mirror is open, and tells what the copy holds', async () => {
  const { file, folder, copy } = await mirrored();
  const made = await makeSnapshot(contextFor(file), copy);
  for (const table of TABLES) {
    expect(readRows(copy, `select * from ${table}`)).toEqual(readRows(file, `select * from ${table}`));
  }
  const completeThrough = readRows<{ at: string }>(
    file,
    'select complete_through as at from mirror_status',
  )[0]?.at;
  expect(made).toEqual({
    file: copy,
    bytes: statSync(copy).size,
    sources: [{ source: 'default', completeThrough, gaps: [], liveRows: 250, removedRows: 0 }],
  });
  expect(statSync(copy).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['copy.db']);
});

it('makes one file that is a mirror, is not in WAL mode, and holds no lease', async () => {
  const { file, copy, store } = await mirrored();
  const held = await store.claim({ name: 'default', baseUrl: 'https://api.example' });
  onTestFinished(() => held.release());
  expect(readRows(file, 'select * from leases')).toHaveLength(1);
  await makeSnapshot(contextFor(file), copy);
  expect(readRows(copy, 'select * from leases')).toEqual([]);
  // Bytes 18 and 19: 1 is a rollback journal, 2 would be WAL (sqlite.org/fileformat.html).
  expect([...readFileSync(copy).subarray(18, 20)]).toEqual([1, 1]);
  const mirror = openForQuery(copy);
  expect([...mirror.run('select count(*) from tasks').rows]).toEqual([[250n]]);
  mirror.close();
  expect(readRows(copy, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
});

it('can be read if nothing may be written, and leaves nothing there', async () => {
  const { file, folder, copy } = await mirrored();
  await makeSnapshot(contextFor(file), copy);
  chmodSync(copy, 0o400);
  chmodSync(folder, 0o500);
  onTestFinished(() => chmodSync(folder, 0o700));
  const db = new Database(copy, { readonly: true });
  expect(db.prepare('select count(*) from tasks').pluck().get()).toBe(250);
  expect(readdirSync(folder)).toEqual(['copy.db']);
  db.close();
});

it('never replaces a file, the mirror least of all', async () => {
  const { file, folder, copy } = await mirrored();
  writeFileSync(copy, 'mine');
  await expect(makeSnapshot(contextFor(file), copy)).rejects.toThrow(/already exists/);
  expect(readFileSync(copy, 'utf8')).toBe('mine');
  linkSync(file, join(folder, 'link.db'));
  for (const name of [file, join(folder, 'link.db'), `${file}-wal`]) {
    await expect(makeSnapshot(contextFor(file), name)).rejects.toThrow(/is the mirror itself/);
  }
  await expect(makeSnapshot(contextFor(file), join(folder, 'no/copy.db'))).rejects.toThrow(UsageError);
});

it.each(['-wal', '-journal', '-shm'])(
  'refuses a name beside which another database left its %s: SQLite would take that for the copy’s own',
  async (ending) => {
    const { file, folder, copy } = await mirrored();
    writeFileSync(`${copy}${ending}`, 'left behind');
    symlinkSync('copy.db', join(folder, 'link.db'));
    for (const name of [copy, join(folder, 'link.db')]) {
      await expect(makeSnapshot(contextFor(file), name)).rejects.toThrow(
        `${copy}${ending}: left by another database`,
      );
    }
    expect(readdirSync(folder)).toEqual([`copy.db${ending}`, 'link.db']);
    expect(readFileSync(`${copy}${ending}`, 'utf8')).toBe('left behind');
  },
);

it('never takes a name that SQLite may give to a file of the mirror, whether that is there or not', async () => {
  const { file, folder } = await mirrored();
  symlinkSync(file, join(folder, 'mirror.db'));
  rmSync(`${file}-journal`, { force: true });
  for (const name of [`${file}-journal`, `${file}-wal`, `${file}-shm`]) {
    await expect(makeSnapshot(contextFor(join(folder, 'mirror.db')), name)).rejects.toThrow(
      /is the mirror itself/,
    );
  }
  expect(existsSync(`${file}-journal`)).toBe(false);
});

it('makes the file that a link leads to', async () => {
  const { file, folder } = await mirrored();
  mkdirSync(join(folder, 'data'));
  symlinkSync('data/copy.db', join(folder, 'link.db'));
  await makeSnapshot(contextFor(file), join(folder, 'link.db'));
  expect(lstatSync(join(folder, 'link.db')).isSymbolicLink()).toBe(true);
  expect(readRows(join(folder, 'data/copy.db'), 'select count(*) as tasks from tasks')).toEqual([
    { tasks: 250 },
  ]);
});

it('is no text for stdout, and has no name with a control character', async () => {
  const { file, folder } = await mirrored();
  for (const name of ['-', 'copies/a.db\r', 'copies/a.db ']) {
    await expect(snapshot(contextFor(file), name, { json: false })).rejects.toThrow(UsageError);
  }
  expect([readdirSync(folder), existsSync(join(dirname(file), '-'))]).toEqual([[], false]);
});

it('leaves nothing if it is interrupted, or if there is no mirror', async () => {
  const { file, folder, copy } = await mirrored();
  const stopped = AbortSignal.abort(new InterruptedError('stop'));
  await expect(makeSnapshot(contextFor(file, stopped), copy)).rejects.toThrow(InterruptedError);
  await expect(makeSnapshot(contextFor(join(folder, 'none.db')), copy)).rejects.toThrow(DatabaseError);
  expect(readdirSync(folder)).toEqual([]);
});

it('can replace, by a rename, a copy that somebody reads: they go on with the older one', async () => {
  const { file, folder, copy } = await mirrored();
  await makeSnapshot(contextFor(file), copy);
  const reader = openForQuery(copy);
  const newer = join(folder, 'newer.db');
  await makeSnapshot(contextFor(file), newer);
  renameSync(newer, copy);
  expect([...reader.run('select count(*) from tasks').rows]).toEqual([[250n]]);
  reader.close();
  expect(existsSync(newer)).toBe(false);
});

it('prints what it made, for people and as JSON', async () => {
  const { file, folder } = await mirrored();
  const people = contextFor(file);
  expect(await snapshot(people, 'copies/a.db', { json: false })).toBe(EXIT.done);
  expect(people.stdout.lines).toEqual([
    expect.stringMatching(/copies\/a\.db: [\d,]+ bytes$/),
    expect.stringMatching(/^ {2}default: 250 live rows, 0 removed; complete through 2026-\S+Z$/),
  ]);
  const program = contextFor(file);
  await snapshot(program, join(folder, 'b.db'), { json: true });
  expect(JSON.parse(program.stdout.text)).toMatchObject({
    file: join(folder, 'b.db'),
    sources: [{ liveRows: 250 }],
  });
});

it('says that the disk is full, which is exit code 10, and leaves nothing', async ({ skip }) => {
  using disk = mountSmallDisk() ?? skip('no small disk can be mounted here (it takes root on Linux)');
  const { file } = await mirrored();
  disk.leaveFree(64);
  const failure: unknown = await makeSnapshot(contextFor(file), join(disk.folder, 'copy.db')).catch(
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(DatabaseError);
  expect(failure).toMatchObject({ message: expect.stringMatching(/copy\.db\.\w+\.part: the disk is full/) });
  expect(readdirSync(disk.folder)).toEqual([]);
});
