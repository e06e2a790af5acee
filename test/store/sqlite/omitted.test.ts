import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createRowParser } from '../../../src/source/http/row.ts';
import type { MirrorStore } from '../../../src/store/store.ts';
import type { RejectedRow } from '../../../src/model/task.ts';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import { OMITTABLE, type OmittableField, type Task } from '../../../src/model/task.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { readRows, temporaryFolder } from '../../support/mirror.ts';
import { builtThrough, COMPLETE, indexed, reindexed } from '../../support/search-index.ts';
import { at, completedTask, EPOCH } from '../../support/tasks.ts';

const SOURCE = { name: 'a', baseUrl: 'https://a.example' };
const NEVER = new AbortController().signal;
const PRELOAD = fileURLToPath(new URL('../../crash/preload.ts', import.meta.url));

/** The caller closes it. */
function openUnwatched(file: string, omit: readonly OmittableField[]): Promise<MirrorStore> {
  return openMirrorStore(file, { create: true, clock: createFakeClock(), omit: new Set(omit) });
}

async function openStore(file: string, omit: readonly OmittableField[] = []): Promise<MirrorStore> {
  const store = await openUnwatched(file, omit);
  onTestFinished(() => store.close());
  return store;
}

/** What stands for a secret: found nowhere else, and a word of its own in the search index. */
const secretOf = (field: OmittableField, n: number): string => `hidden${field.toLowerCase()}x${n}x`;
const longSecret = (field: OmittableField, n: number): string =>
  `${secretOf(field, n)} `.repeat(n % 7 === 0 ? 900 : 3);

/** A task whose every field that may be omitted is a secret. */
function secretTask(id: string, n: number, changes: Partial<Task> = {}): Task {
  const text = Object.fromEntries(OMITTABLE.map((field) => [field, longSecret(field, n)]));
  const env = JSON.stringify({ TOKEN: longSecret('env', n) });
  const extra = JSON.stringify({ priority: longSecret('extra', n) });
  return { ...mirrorTask(id, n), ...text, env, extra, ...changes };
}

/** A row as the API sends it, with secrets in every field. */
const apiRow = (id: unknown, n: number, fields: object) => ({
  ...completedTask('x', EPOCH),
  ...Object.fromEntries(OMITTABLE.filter((f) => f !== 'extra').map((field) => [field, longSecret(field, n)])),
  env: { TOKEN: longSecret('env', n), digits: [1e3, 'ü\u2028\ud800"'] },
  'odd "key"': longSecret('extra', n),
  id,
  ...fields,
});

/** A row nested deeper than the 1,000 levels that SQLite reads: of its payload no more than the id is left. */
const DEEP = 'deep';

/** Rows of the API that do not validate, as its client gives them without the fields in `omit`. */
function rejectedRows(omit: readonly OmittableField[]): RejectedRow[] {
  const parser = createRowParser(new Set(omit));
  const rows: unknown[] = [
    apiRow('named', 1, { status: 7 }),
    apiRow('flawed', 2, { message: { text: secretOf('message', 2) }, messageCount: '1' }),
    apiRow(null, 3, { status: 7 }),
    apiRow(null, 4, { status: 7 }),
    `not an object ${secretOf('message', 5)}`,
    apiRow(DEEP, 6, { status: JSON.parse(`${'['.repeat(1_500)}${']'.repeat(1_500)}`) as unknown }),
  ];
  return rows.map((each) => parser.list(each).rejected).filter((rejected) => rejected !== undefined);
}

const COUNT = 400;
const idOf = (i: number): string => `t${(i * 7919) % 10_007}`;

/** The life of a mirror that leaves its traces all over the file: rows come, grow, shrink, go and are rejected. */
async function live(file: string, omit: readonly OmittableField[] = []): Promise<void> {
  const store = await openUnwatched(file, omit);
  const claim = await store.claim(SOURCE);
  await claim.startRun('backfill');
  const tasks = Array.from({ length: COUNT }, (_, i) => secretTask(idOf(i), i));
  for (let i = 0; i < COUNT; i += 80) await claim.commit(changeOf({ tasks: tasks.slice(i, i + 80) }));
  await claim.prepareForReaders(NEVER);
  await claim.commit(changeOf({ rejected: rejectedRows(omit) }));
  const grown = tasks.filter((_, i) => i % 3 === 0).map((task, i) => ({ ...secretTask(task.id, i + 1_000) }));
  await claim.commit(changeOf({ tasks: grown }));
  const shrunk = tasks
    .filter((_, i) => i % 5 === 0)
    .map(({ id }, i) => mirrorTask(id, i, { error: 'plain' }));
  await claim.commit(changeOf({ tasks: shrunk }));
  await claim.remove(tasks.filter((_, i) => i % 11 === 0).map(({ id }) => id));
  await store.close();
}

/** Every file of the folder as it is on the disk, as text that keeps all bytes. */
function bytesOf(folder: string): string {
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'latin1'))
    .join('\n');
}

/** How often a field's secrets stand in these bytes, in whatever case the search index has folded them to. */
function tracesOf(bytes: string, field: OmittableField): number {
  return bytes.split(`hidden${field.toLowerCase()}x`).length - 1;
}

/** What the mirror holds, less when it wrote it. */
function contentOf(file: string): {
  tasks: unknown[];
  changes: unknown[];
  rejected: unknown[];
  reasons: unknown[];
} {
  const tasks = readRows<object>(file, 'select * from tasks order by id');
  return {
    tasks: tasks.map((row) => ({ ...row, changed_at: null })),
    changes: readRows(file, 'select * from task_changes order by rowid'),
    rejected: readRows(
      file,
      `select source, row_key, task_id, iif(row_key = '${DEEP}', null, payload) as payload
       from rejected_rows order by row_key`,
    ),
    reasons: readRows(file, 'select reason from rejected_rows order by row_key'),
  };
}

/** A folder of its own with a mirror that has lived, and holds everything. */
function lived(): { folder: string; file: string } {
  const folder = temporaryFolder();
  cpSync(template, folder, { recursive: true });
  return { folder, file: join(folder, 'mirror.db') };
}

const template = mkdtempSync(join(tmpdir(), 'taskmirror-lived-'));
beforeAll(() => live(join(template, 'mirror.db')));
afterAll(() => rmSync(template, { recursive: true, force: true }));

const isBegun = (db: Database.Database): boolean =>
  db.prepare("select 1 from omitted_fields where field = 'env'").get() !== undefined;

/** A run's clearing, from opening the mirror to closing it. */
async function clear(file: string, omit: readonly OmittableField[]): Promise<void> {
  const store = await openStore(file, omit);
  const claim = await store.claim(SOURCE);
  expect((await claim.clearOmitted(NEVER)).left).toEqual([]);
  await claim.prepareForReaders(NEVER);
  await store.close();
}

describe('a field that must not be kept any more', () => {
  test.each(OMITTABLE)('leaves no byte in any file, while all others stay: %s', async (field) => {
    const { folder, file } = lived();
    expect(tracesOf(bytesOf(folder), field)).toBeGreaterThan(100);
    await clear(file, [field]);
    const after = bytesOf(folder);
    expect(tracesOf(after, field)).toBe(0);
    for (const other of OMITTABLE.filter((each) => each !== field)) {
      expect([other, tracesOf(after, other) > 100]).toEqual([other, true]);
    }
  });

  test('leaves the mirror as if it had never been stored, except for reasons of rejection', async () => {
    const fresh = join(temporaryFolder(), 'mirror.db');
    await live(fresh, OMITTABLE);
    const { folder, file } = lived();
    await clear(file, OMITTABLE);
    expect({ ...contentOf(file), reasons: [] }).toEqual({ ...contentOf(fresh), reasons: [] });
    expect(OMITTABLE.map((field) => tracesOf(bytesOf(folder), field))).toEqual(OMITTABLE.map(() => 0));
    expect(readRows(file, `select payload from rejected_rows where row_key = '${DEEP}'`)).toEqual([
      { payload: `{"id":"${DEEP}"}` },
    ]);
  });

  test('keeps the rowids of tasks, by which the search index and full walks know them', async () => {
    const { file } = lived();
    const rowids = (): unknown => readRows(file, 'select rowid, id from tasks order by rowid');
    const before = rowids();
    await clear(file, ['username']);
    expect(rowids()).toEqual(before);
    const db = new Database(file, { readonly: true });
    onTestFinished(() => void db.close());
    expect(indexed(db)).toEqual(reindexed(db));
    expect(builtThrough(db)).toBe(COMPLETE);
  });

  test('moves changed_at of exactly the rows that held it', async () => {
    const { file } = lived();
    const store = await openMirrorStore(file, {
      create: false,
      clock: createFakeClock(EPOCH),
      omit: new Set(['systemPrompt']),
    });
    onTestFinished(() => store.close());
    const held = readRows<{ n: number }>(
      file,
      'select count(*) as n from tasks where system_prompt is not null',
    );
    await (await store.claim(SOURCE)).clearOmitted(NEVER);
    const changed = readRows<{ n: number }>(
      file,
      `select count(*) as n from tasks where changed_at = '${at(EPOCH)}'`,
    );
    expect(changed).toEqual(held);
    expect(held[0]?.n).toBeLessThan(COUNT);
  });

  test('is not cleared for good while a reader holds the WAL; the next call goes on', async () => {
    const { folder, file } = lived();
    const reader = new Database(file, { readonly: true });
    onTestFinished(() => void reader.close());
    const rows = reader.prepare('select id from tasks').iterate();
    rows.next();
    const store = await openStore(file, ['message']);
    const claim = await store.claim(SOURCE);
    expect(await claim.clearOmitted(NEVER)).toEqual({ cleared: [], left: ['message'] });
    expect(await store.leftovers(['message'])).toEqual([
      { field: 'message', tasks: 0, changes: 0, rejected: 0, inFreeSpace: true },
    ]);
    expect(tracesOf(bytesOf(folder), 'message')).toBeGreaterThan(0);
    rows.return?.();
    expect(await claim.clearOmitted(NEVER)).toEqual({ cleared: ['message'], left: [] });
    expect(tracesOf(bytesOf(folder), 'message')).toBe(0);
  });

  test('is not marked as cleared if another process begins to clear it while the file is rewritten', async () => {
    const { file } = lived();
    const other = new Database(file);
    onTestFinished(() => void other.close());
    const prepare = Reflect.get(Database.prototype, 'prepare') as (sql: string) => Database.Statement;
    vi.spyOn(Database.prototype, 'prepare').mockImplementation(function (
      this: Database.Database,
      sql: string,
    ) {
      const statement = Reflect.apply(prepare, this, [sql]);
      if (sql !== 'vacuum') return statement;
      const run = statement.run.bind(statement);
      return Object.assign(statement, {
        run: () => {
          run();
          if (this.name !== file || isBegun(other)) return;
          other.exec("update omitted_fields set stage = 'tasks', through = 0");
          other.exec("insert into omitted_fields (field, stage, through) values ('env', 'tasks', 0)");
        },
      });
    });
    const store = await openStore(file, ['message']);
    await (await store.claim(SOURCE)).clearOmitted(NEVER);
    expect(await store.leftovers(['message', 'env'])).toEqual([]);
  });

  test('gives the event loop its turns, and the writes of others, between steps', async () => {
    const { file } = lived();
    const claim = await (await openStore(file, ['message'])).claim(SOURCE);
    const other = await (await openStore(file, ['message'])).claim({ ...SOURCE, name: 'b' });
    let written = 0;
    const work = claim.clearOmitted(NEVER);
    const write = async (): Promise<void> => {
      await other.commit(changeOf({ tasks: [mirrorTask(`b${written}`)] }));
      written += 1;
    };
    const timer = setInterval(() => void write(), 0);
    onTestFinished(() => clearInterval(timer));
    expect((await work).left).toEqual([]);
    expect(written).toBeGreaterThan(0);
  });
});

test('processes that are killed after a commit continue where the last one was, to the end', async () => {
  const omit: OmittableField[] = ['message', 'error'];
  const expected = lived();
  await clear(expected.file, omit);
  const { folder, file } = lived();
  const stages = new Set<string>();
  for (let kills = 0; !stages.has('cleared'); kills += 1) {
    // Its first commits open the file, take the lease, and look for what is left.
    await clearAndDie(file, omit, 4 + Math.max(0, kills - 6));
    const db = new Database(file);
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    stages.add(db.prepare<[], string>('select stage from omitted_fields').pluck().get() ?? 'none');
    db.close();
    expect(kills).toBeLessThan(20);
  }
  expect([...stages]).toEqual(['tasks', 'task_changes', 'rejected_rows', 'file', 'wal', 'cleared']);
  expect(contentOf(file)).toEqual(contentOf(expected.file));
  expect(omit.map((field) => tracesOf(bytesOf(folder), field))).toEqual([0, 0]);
});

/** Clears in a process that dies after its commit of this number. */
async function clearAndDie(file: string, omit: readonly OmittableField[], commit: number): Promise<void> {
  const module = pathToFileURL(join(import.meta.dirname, '../../../src/store/sqlite/store.ts')).href;
  // Who is killed keeps nothing of what it compiled for the next.
  const script = `
    const { openMirrorStore } = await import(${JSON.stringify(module)});
    (await import('node:module')).flushCompileCache();
    const clock = { now: () => ${Date.UTC(2026, 0, 1)} };
    const omit = new Set(${JSON.stringify(omit)});
    const store = await openMirrorStore(${JSON.stringify(file)}, { create: false, clock, omit });
    const claim = await store.claim(${JSON.stringify(SOURCE)});
    await claim.clearOmitted(new AbortController().signal);
    await store.close();`;
  const child = spawn(process.execPath, ['--import', PRELOAD, '--input-type=module', '--eval', script], {
    env: { ...process.env, CRASH_AT: `commit ${commit} after` },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 20_000,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [, signal] = await once(child, 'close');
  expect([said, signal]).toEqual([expect.stringContaining('killed at'), 'SIGKILL']);
}
