import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { UsageError } from '../../../src/model/errors.ts';
import type { MirrorClaim, MirrorStore } from '../../../src/store/store.ts';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import type { OmittableField } from '../../../src/model/task.ts';
import { changeOf, mirrorTask, rejectedRow, runOf } from '../../contracts/mirror-store.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { readRows, temporaryFolder } from '../../support/mirror.ts';
import { at, EPOCH } from '../../support/tasks.ts';

const SOURCE = { name: 'a', baseUrl: 'https://a.example' };
const NO_FIELDS: OmittableField[] = [];

interface Opened {
  file: string;
  clock: FakeClock;
  store: MirrorStore;
  claim: MirrorClaim;
  rows: <T>(sql: string) => T[];
}

async function opened(file = join(temporaryFolder(), 'mirror.db'), omit = NO_FIELDS): Promise<Opened> {
  const clock = createFakeClock();
  const store = await openMirrorStore(file, { create: true, clock, omit: new Set(omit) });
  onTestFinished(() => store.close());
  const rows = <T>(sql: string): T[] => readRows<T>(file, sql);
  return { file, clock, store, claim: await store.claim(SOURCE), rows };
}

describe('the journal', () => {
  test('has a row for every field that changed, and none for the first sight of a task', async () => {
    const { claim, clock, rows } = await opened();
    await claim.commit(changeOf({ tasks: [mirrorTask('x'), mirrorTask('y')] }));
    clock.advance(1_000);
    const changed = mirrorTask('x', 0, {
      status: 'failed',
      showInHistory: false,
      messageCount: 3,
      error: 'why',
    });
    await claim.commit(changeOf({ tasks: [changed, mirrorTask('y')] }));
    expect(rows('select * from task_changes')).toEqual(
      [
        ['status', 'completed', 'failed'],
        ['show_in_history', '1', '0'],
        ['error', null, 'why'],
        ['message_count', '2', '3'],
      ].map(([field, old_value, new_value]) => ({
        task_id: 'x',
        field,
        old_value,
        new_value,
        observed_at: at(clock.now()),
        seq: 3,
      })),
    );
    expect(rows('select changed_at, first_seen_at from tasks order by id')).toEqual([
      { first_seen_at: at(clock.now() - 1_000), changed_at: at(clock.now()) },
      { first_seen_at: at(clock.now() - 1_000), changed_at: at(clock.now() - 1_000) },
    ]);
  });

  test('keeps no value, old or new, of a field that must not reach the disk', async () => {
    const before = await opened();
    await before.claim.commit(
      changeOf({ tasks: [mirrorTask('x', 0, { message: 'secret', systemPrompt: 'p' })] }),
    );
    await before.store.close();
    const { claim, rows } = await opened(before.file, ['message', 'systemPrompt']);
    await claim.commit(
      changeOf({ tasks: [mirrorTask('x', 0, { message: null, systemPrompt: null, status: 'failed' })] }),
    );
    expect(rows('select message, system_prompt, status from tasks')).toEqual([
      { message: null, system_prompt: null, status: 'failed' },
    ]);
    expect(rows('select field from task_changes')).toEqual([{ field: 'status' }]);
  });

  test('tells of a removal, and of its end', async () => {
    const { claim, clock, rows } = await opened();
    await claim.commit(changeOf({ tasks: [mirrorTask('x')] }));
    await claim.remove(['x']);
    const removedAt = at(clock.now());
    expect(rows('select removed_at, changed_at from tasks')).toEqual([
      { removed_at: removedAt, changed_at: removedAt },
    ]);
    clock.advance(1_000);
    await claim.commit(changeOf({ tasks: [mirrorTask('x')] }));
    expect(rows('select removed_at from tasks')).toEqual([{ removed_at: null }]);
    expect(rows('select field, old_value, new_value, observed_at from task_changes')).toEqual([
      { field: 'removed_at', old_value: null, new_value: removedAt, observed_at: removedAt },
      { field: 'removed_at', old_value: removedAt, new_value: null, observed_at: at(clock.now()) },
    ]);
  });
});

describe('a row of tasks', () => {
  test('has the group of its error, which follows the error and is not journaled', async () => {
    const { claim, rows } = await opened();
    const groups = (): unknown[] => rows('select error_group from tasks');
    await claim.commit(changeOf({ tasks: [mirrorTask('x', 0, { error: 'gave up after 3 tries' })] }));
    expect(groups()).toEqual([{ error_group: 'gave up after <n> tries' }]);
    await claim.commit(changeOf({ tasks: [mirrorTask('x', 0, { error: 'lost 12 rows' })] }));
    expect(groups()).toEqual([{ error_group: 'lost <n> rows' }]);
    await claim.commit(changeOf({ tasks: [mirrorTask('x', 0, { error: null })] }));
    expect(groups()).toEqual([{ error_group: null }]);
    expect(rows('select distinct field from task_changes')).toEqual([{ field: 'error' }]);
  });

  test('has waiting and working time in ms, null as long as there is none, and follows the times', async () => {
    const { claim, rows } = await opened();
    const times = { createdAt: at(EPOCH - 5_000), startedAt: at(EPOCH - 3_750), completedAt: at(EPOCH) };
    await claim.commit(
      changeOf({
        tasks: [
          mirrorTask('done', 0, times),
          mirrorTask('pending', 0, { ...times, startedAt: null, completedAt: null }),
          mirrorTask('running', 0, { ...times, completedAt: null }),
        ],
      }),
    );
    const spans = (): unknown[] => rows('select id, queue_ms, run_ms from tasks order by id');
    expect(spans()).toEqual([
      { id: 'done', queue_ms: 1_250, run_ms: 3_750 },
      { id: 'pending', queue_ms: null, run_ms: null },
      { id: 'running', queue_ms: 1_250, run_ms: null },
    ]);
    await claim.commit(changeOf({ tasks: [mirrorTask('running', 0, times)] }));
    expect(spans()).toContainEqual({ id: 'running', queue_ms: 1_250, run_ms: 3_750 });
  });

  test('that is unchanged is not written again', async () => {
    const { claim, clock, rows } = await opened();
    await claim.commit(changeOf({ tasks: [mirrorTask('x')] }));
    const before = rows('select * from tasks');
    clock.advance(1_000);
    await claim.commit(changeOf({ tasks: [mirrorTask('x')] }));
    expect(rows('select * from tasks')).toEqual(before);
    expect(rows('select * from task_changes')).toEqual([]);
  });
});

describe('a row of rejected_rows', () => {
  test('has the payload, the reason, the first and last rejection, and the place in the list', async () => {
    const { claim, clock, rows } = await opened();
    const activity = clock.now() - 5_000;
    const shown = rejectedRow('x', { payload: '{"v":1}', reason: 'first', activity });
    await claim.commit(changeOf({ rejected: [shown] }));
    const first = at(clock.now());
    clock.advance(1_000);
    await claim.commit(
      changeOf({ rejected: [rejectedRow('x', { payload: '{"v":2}', reason: 'second' }), rejectedRow(null)] }),
    );
    expect(rows('select * from rejected_rows order by task_id is null')).toEqual([
      {
        source: 'a',
        row_key: 'x',
        task_id: 'x',
        payload: '{"v":2}',
        reason: 'second',
        first_rejected_at: first,
        last_rejected_at: at(clock.now()),
        last_activity_at: at(activity),
      },
      expect.objectContaining({ row_key: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), task_id: null }),
    ]);
  });

  test('is healed by its own source only', async () => {
    const { store, claim, rows } = await opened();
    await claim.commit(changeOf({ rejected: [rejectedRow('x')] }));
    const other = await store.claim({ name: 'b', baseUrl: 'https://b.example' });
    await other.commit(changeOf({ rejected: [rejectedRow('y')] }));
    await other.commit(changeOf({ tasks: [mirrorTask('x')] }));
    expect(rows('select source, task_id from rejected_rows order by source')).toEqual([
      { source: 'a', task_id: 'x' },
      { source: 'b', task_id: 'y' },
    ]);
  });
});

describe('sync_runs', () => {
  test('keeps the newest 10,000 of a source: what is older goes with each hundredth run, whoever makes it', async () => {
    const { store, claim, file, rows } = await opened();
    await claim.release();
    const db = new Database(file);
    db.exec(`insert into sources (name, base_url, registered_at) values ('b', 'https://b.example', '2026-01-01');
      insert into sync_runs (id, source, kind, started_at, finished_at)
      with recursive n (i) as (values (2) union all select i + 1 from n where i < 20198)
      select i, iif(i <= 10110, 'a', 'b'), 'incremental', '2026-01-01', '2026-01-01' from n`);
    db.close();
    const counted = () =>
      rows(`select source, count(*) as runs, min(id) as first, max(id) as last
        from sync_runs group by source order by source`);
    await runOf(store, 'incremental');
    expect(counted()).toEqual([
      { source: 'a', runs: 10_111, first: 1, last: 20_199 },
      { source: 'b', runs: 10_088, first: 10_111, last: 20_198 },
    ]);
    await runOf(store, 'incremental');
    expect(counted()).toEqual([
      { source: 'a', runs: 10_000, first: 113, last: 20_200 },
      { source: 'b', runs: 10_000, first: 10_199, last: 20_198 },
    ]);
  });
});

test('a task that goes from one source to another has a line in the journal, removed in between or not', async () => {
  const { claim, clock, store, rows } = await opened();
  const other = await store.claim({ ...SOURCE, name: 'b' });
  for (const each of [claim, other]) await each.startRun('incremental');
  const tasks = ['lost', 'shared'].map((id) => mirrorTask(id));
  await claim.commit(changeOf({ tasks }));
  await other.commit(changeOf({ tasks: tasks.slice(1) }));
  clock.advance(1_000);
  await claim.remove(['lost', 'shared']);
  await other.commit(changeOf({ tasks }));
  expect(rows('select task_id, field, old_value, new_value from task_changes order by rowid')).toEqual([
    { task_id: 'lost', field: 'removed_at', old_value: null, new_value: at(clock.now()) },
    { task_id: 'shared', field: 'source', old_value: 'a', new_value: 'b' },
    { task_id: 'lost', field: 'removed_at', old_value: at(clock.now()), new_value: null },
    { task_id: 'lost', field: 'source', old_value: 'a', new_value: 'b' },
  ]);
  expect(rows('select id, source, changed_at from tasks order by id')).toEqual(
    ['lost', 'shared'].map((id) => ({ id, source: 'b', changed_at: at(clock.now()) })),
  );
});

test('a source that was renamed by hand shares nothing with itself', async () => {
  const { claim, store, rows, file } = await opened();
  const renamed = await store.claim({ ...SOURCE, name: 'new' });
  await claim.commit(changeOf({ tasks: [mirrorTask('x'), mirrorTask('y')] }));
  await renamed.commit(changeOf({ tasks: [mirrorTask('x'), mirrorTask('y')] }));
  expect(rows('select * from also_shown')).toHaveLength(2);
  const db = new Database(file);
  db.exec("update tasks set source = 'new' where source = 'a'");
  db.close();
  expect(rows('select * from also_shown')).toEqual([]);
  expect(await renamed.countAbove(-Infinity)).toBe(2);
});

/** Claims the same source from one base URL, then from another. */
const claimOf = async (from: string, to: string): Promise<MirrorStore> => {
  const { store } = await opened();
  await (await store.claim({ name: 'local', baseUrl: from })).release();
  await store.claim({ name: 'local', baseUrl: to });
  return store;
};

describe('the base URL of a source', () => {
  test('may move from one port of this machine to another', async () => {
    const store = await claimOf('http://127.0.0.1:4000', 'http://localhost:5000');
    expect(await store.status()).toContainEqual(
      expect.objectContaining({ source: 'local', baseUrl: 'http://localhost:5000' }),
    );
  });

  test.each([
    ['http://127.0.0.1:4000', 'https://api.example'],
    ['https://api.example', 'http://127.0.0.1:4000'],
    ['https://api.example', 'https://127.example'],
  ])('may not move from %s to %s', async (from, to) => {
    await expect(claimOf(from, to)).rejects.toBeInstanceOf(UsageError);
  });
});
