import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { searchTasks } from '../../../src/reports/search.ts';
import { DatabaseError } from '../../../src/model/errors.ts';
import type { MirrorClaim } from '../../../src/store/store.ts';
import { integrityCheck, quickCheck } from '../../../src/store/sqlite/inspect.ts';
import { openForQuery } from '../../../src/store/sqlite/readonly.ts';
import { openReportable } from '../../../src/store/sqlite/reports/reportable.ts';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/mirror.ts';
import { indexed, reindexed } from '../../support/search-index.ts';
import { told, toldBy } from '../../support/told.ts';
import { CURES } from '../../../src/cli/database-hints.ts';

const NEVER = new AbortController().signal;
const CURE = /TASKMIRROR_SEARCH_INDEX=false/;
const MANY = 600;

/** Does something with a mirror under its lease, and closes it: what it wrote is in the file itself. */
async function withClaim(file: string, searchIndex: boolean, act: (claim: MirrorClaim) => Promise<unknown>) {
  const store = await openMirrorStore(file, {
    create: true,
    clock: createFakeClock(),
    omit: new Set(),
    searchIndex,
  });
  try {
    await act(await store.claim({ name: 'a', baseUrl: 'https://a.example' }));
  } finally {
    await store.close();
  }
}

/** A mirror of 600 tasks with a full text index of several pages, closed. */
async function searchable(): Promise<string> {
  const file = join(temporaryFolder(), 'mirror.db');
  const tasks = Array.from({ length: MANY }, (_, i) =>
    mirrorTask(`t${i}`, i, { message: `Deploy ${'word'.repeat(i % 9)}${i} to staging as ${i * 7_919}` }),
  );
  await withClaim(file, true, async (claim) => {
    await claim.commit(changeOf({ tasks }));
    await claim.prepareForReaders(NEVER);
  });
  return file;
}

function edit(file: string, sql: string): void {
  const db = new Database(file);
  db.unsafeMode();
  db.exec(sql);
  db.close();
}

/** Overwrites a page: a leaf in the middle of a table, or its root. */
function overwritePage(file: string, table: string, which: 'leaf' | 'root'): void {
  const db = new Database(file, { readonly: true });
  const size = Number(db.pragma('page_size', { simple: true }));
  const pages = db
    .prepare<[string], number>(
      which === 'root'
        ? 'select rootpage from sqlite_schema where name = ?'
        : "select pageno from dbstat where name = ? and pagetype = 'leaf'",
    )
    .pluck()
    .all(table);
  db.close();
  const page = pages[Math.floor(pages.length / 2)] ?? 0;
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(size, 0xa5), 0, size, (page - 1) * size);
  closeSync(handle);
}

const search = async (file: string): Promise<number> => {
  const mirror = openReportable(file);
  try {
    const request = { text: 'staging', raw: false, status: null, user: null, since: null, until: null };
    expect(await mirror.searchProgress()).not.toBeNull();
    const { rows } = await searchTasks(mirror, { ...request, limit: 1_000, marks: ['[', ']'] });
    return rows.length;
  } finally {
    await mirror.close();
  }
};

const DAMAGES: [string, (file: string) => void][] = [
  [
    'rows of its data that are overwritten',
    (file) => edit(file, "update task_search_data set block = x'00ff' where id > 10"),
  ],
  ['rows of its data that are gone', (file) => edit(file, 'delete from task_search_data')],
  ['a table that is gone', (file) => edit(file, 'drop table task_search_idx')],
  [
    'a format that is not known',
    (file) => edit(file, "update task_search_config set v = 99 where k = 'version'"),
  ],
  ['a page of its data', (file) => overwritePage(file, 'task_search_data', 'leaf')],
  ['the root page of its data', (file) => overwritePage(file, 'task_search_data', 'root')],
  ['a page of the lengths of texts', (file) => overwritePage(file, 'task_search_docsize', 'leaf')],
];

describe.each(DAMAGES)('a search index that is damaged, by %s,', (_, damage) => {
  test('and nothing else: checks and searches give the same advice', async () => {
    const file = await searchable();
    damage(file);
    for (const check of [quickCheck, integrityCheck]) {
      const { problems, damage: found } = check(file);
      expect(problems).not.toEqual([]);
      expect(problems.length).toBeLessThanOrEqual(5);
      expect(found).toBe('search_index');
      expect(CURES.search_index).toMatch(CURE);
    }
    const searched = (): Promise<number> => search(file);
    await expect(searched()).rejects.toThrow(DatabaseError);
    expect(await toldBy(searched)).toMatchObject({ hint: CURES.search_index });
  });

  test('is repaired by a run without it and one with it, and the journal stays', async () => {
    const file = await searchable();
    await withClaim(file, true, (claim) =>
      claim.commit(changeOf({ tasks: [mirrorTask('t1', 1, { message: 'was edited' })] })),
    );
    damage(file);
    await withClaim(file, false, async (claim) => {
      await claim.startRun('incremental');
      await claim.commit(changeOf({ tasks: [mirrorTask('t2', 2, { message: 'also edited' })] }));
    });
    expect(integrityCheck(file)).toEqual({ problems: [], damage: null });
    await withClaim(file, true, async (claim) => {
      await claim.startRun('incremental');
      await claim.prepareForReaders(NEVER);
    });
    expect(integrityCheck(file)).toEqual({ problems: [], damage: null });
    expect(await search(file)).toBe(MANY - 2);
    const db = new Database(file);
    onTestFinished(() => void db.close());
    expect(indexed(db)).toEqual(reindexed(db));
    expect(db.prepare('select task_id, new_value from task_changes order by task_id').raw().all()).toEqual([
      ['t1', 'was edited'],
      ['t2', 'also edited'],
    ]);
  });
});

test('a connection that was open meanwhile sees that a damaged index is gone', async () => {
  const file = await searchable();
  const reader = openForQuery(file);
  onTestFinished(() => reader.close());
  expect([...reader.run('select count(*) from task_search').rows]).toEqual([[BigInt(MANY)]]);
  overwritePage(file, 'task_search_data', 'root');
  await withClaim(file, false, (claim) => claim.startRun('incremental'));
  expect(() => [...reader.run('select count(*) from task_search').rows]).toThrow(
    /no such table: task_search/,
  );
});

describe('if more than the index is damaged, the cure is that of the whole file:', () => {
  const damages: [string, (file: string) => void][] = [
    ['a page of the tasks', (file) => overwritePage(file, 'tasks', 'leaf')],
    ['a page of their ids', (file) => overwritePage(file, 'sqlite_autoindex_tasks_1', 'leaf')],
    [
      'rows that refer to none',
      (file) =>
        edit(
          file,
          "pragma foreign_keys = off; insert into task_changes values ('nobody', 'status', 'a', 'b', '2026', 1)",
        ),
    ],
  ];
  test.each(damages)('%s', async (_, damage) => {
    const file = await searchable();
    edit(file, 'delete from task_search_data');
    damage(file);
    expect(cureOf(file)).toMatch(/move the file away.*\.recover/);
  });
});

/** What a check of the file says to do, whether it comes to its end or not. */
function cureOf(file: string): string | null | undefined {
  try {
    const { damage } = integrityCheck(file);
    return damage === null ? null : CURES[damage];
  } catch (error) {
    if (error instanceof DatabaseError) return told(error).hint;
    throw error;
  }
}
