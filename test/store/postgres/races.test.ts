import { expect, test } from 'vitest';
import type { MirrorClaim, MirrorStore } from '../../../src/store/store.ts';
import { changeOf, mirrorTask, type MirrorUnderTest, NEVER } from '../../contracts/mirror-store/kit.ts';
import { holdLocks, untilWaiting } from '../../support/postgres/locks.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, execute } from '../../support/postgres/server.ts';
import { EPOCH } from '../../support/tasks.ts';

const A = { name: 'a', baseUrl: 'https://a.example' };
const B = { name: 'b', baseUrl: 'https://b.example' };
const IDS = ['t1', 't2', 't3'];
const TASKS = IDS.map((id, i) => mirrorTask(id, i));

interface Two extends MirrorUnderTest {
  url: string;
  schema: string;
  store: MirrorStore;
  /** Holds all tasks. */
  holder: MirrorClaim;
  /** Shows them too. */
  other: MirrorClaim;
}

/** Two processes with a source each; the first holds all tasks, and the second has shown those of these ids. */
async function two(shown: readonly string[] = []): Promise<Two> {
  const mirror = await serverMirror();
  const store = await mirror.open();
  const holder = await store.claim(A);
  const other = await (await mirror.open()).claim(B);
  for (const claim of [holder, other]) await claim.startRun('incremental');
  await holder.commit(changeOf({ tasks: TASKS }));
  await other.commit(changeOf({ tasks: TASKS.filter(({ id }) => shown.includes(id)) }));
  return { ...mirror, store, holder, other };
}

const lock = (at: Two, id: string): Promise<() => Promise<void>> =>
  holdLocks(at, `select from "${at.schema}".tasks where id = '${id}' for update`);

interface Row {
  id: string;
  source: string;
  live: boolean;
  message: string;
  also: string[] | null;
}

/** Each task: who holds it, whether it is live, and who else is noted to show it. */
const rowsOf = ({ url, schema }: Two): Promise<Row[]> =>
  execute<Row>(
    url,
    `select id, source, removed_at is null as live, message, (
      select array_agg(a.source order by a.source) from "${schema}".also_shown a where a.task_id = t.id
    ) as also from "${schema}".tasks t order by id`,
  );

const journalOf = ({ url, schema }: Two, id: string) =>
  execute<{ field: string; new_value: string | null }>(
    url,
    `select field, new_value from "${schema}".task_changes where task_id = $1 order by change_no`,
    [id],
  );

describeWithServer('two sources that show the same tasks', () => {
  test('a task that another source changes as it first shows it is noted as shown by both', async () => {
    const at = await two();
    await at.other.commit(changeOf({ tasks: [mirrorTask('t1', 0, { message: 'newer' })] }));
    expect((await rowsOf(at))[0]).toMatchObject({ source: 'a', live: true, message: 'newer', also: ['b'] });
    expect(await at.holder.remove(['t1'])).toBe(0);
    expect((await rowsOf(at))[0]).toMatchObject({ source: 'b', live: true, also: null });
  });

  test('a removal that waits for a lock sees who has shown the task meanwhile', async () => {
    const at = await two();
    const release = await lock(at, 't1');
    const removing = at.holder.remove(['t1', 't2']);
    await untilWaiting(at, 1);
    await at.other.commit(changeOf({ tasks: TASKS.slice(1, 2) }));
    await release();
    expect(await removing).toBe(1);
    expect(await rowsOf(at)).toMatchObject([
      { id: 't1', live: false },
      { id: 't2', source: 'b', live: true, also: null },
      { id: 't3', source: 'a', live: true },
    ]);
  });

  test('a commit that shows a task while its holder removes it brings it back', async () => {
    const at = await two();
    const release = await lock(at, 't3');
    const removing = at.holder.remove(['t2', 't3']);
    await untilWaiting(at, 1);
    const showing = at.other.commit(changeOf({ tasks: TASKS.slice(1, 2) }));
    await untilWaiting(at, 2);
    await release();
    expect(await removing).toBe(2);
    await showing;
    expect((await rowsOf(at))[1]).toMatchObject({ id: 't2', source: 'b', live: true, also: null });
    expect((await journalOf(at, 't2')).map(({ field }) => field)).toEqual([
      'removed_at',
      'removed_at',
      'source',
    ]);
  });

  test('a commit that shows a removed task while it is pruned brings it back', async () => {
    const at = await two();
    await at.holder.prune({ changesSince: null, removedSince: 1 }, NEVER);
    await at.holder.remove(['t1']);
    const lines = `select from "${at.schema}".task_changes where task_id = 't1' for update`;
    const release = await holdLocks(at, lines);
    const pruning = at.holder.prune({ changesSince: null, removedSince: at.clock.now() + 1 }, NEVER);
    await untilWaiting(at, 1);
    const showing = at.other.commit(changeOf({ tasks: TASKS.slice(0, 1) }));
    await untilWaiting(at, 2);
    await release();
    expect(await pruning).toMatchObject({ tasks: 1 });
    expect(await showing).toMatchObject({ insertedIds: ['t1'] });
    expect(await rowsOf(at)).toMatchObject([
      { id: 't1', source: 'b', live: true },
      { id: 't2', source: 'a', live: true },
      { id: 't3', source: 'a', live: true },
    ]);
  });

  test('a change that both bring at once is one change', async () => {
    const at = await two(IDS);
    const release = await lock(at, 't1');
    const change = changeOf({ tasks: [mirrorTask('t1', 0, { message: 'newer' })] });
    const committing = [at.holder.commit(change)];
    await untilWaiting(at, 1);
    committing.push(at.other.commit(change));
    await untilWaiting(at, 2);
    await release();
    const counts = await Promise.all(committing);
    expect(counts.map(({ updated, unchanged }) => ({ updated, unchanged }))).toEqual([
      { updated: 1, unchanged: 0 },
      { updated: 0, unchanged: 1 },
    ]);
    expect(await journalOf(at, 't1')).toEqual([{ field: 'message', new_value: 'newer' }]);
  });

  test('a task that both insert at once is one row of the first, shown by both', async () => {
    const at = await two();
    const release = await holdLocks(at, `lock table "${at.schema}".tasks in share mode`);
    const tasks = [mirrorTask('t8', 1), mirrorTask('t9', 2)];
    const ledger = { watermark: EPOCH, gaps: [] };
    const committing = [at.holder, at.other].map((claim) => claim.commit(changeOf({ tasks, ledger })));
    await untilWaiting(at, 2);
    await release();
    const counts = await Promise.all(committing);
    expect(counts.reduce((sum, { inserted }) => sum + inserted, 0)).toBe(2);
    const inserted = (await rowsOf(at)).slice(3);
    expect(inserted.map(({ source, also }) => new Set([source, ...(also ?? [])]))).toEqual([
      new Set(['a', 'b']),
      new Set(['a', 'b']),
    ]);
    for (const claim of [at.holder, at.other]) expect((await claim.state()).ledger).toEqual(ledger);
  });

  test('both may be the first to prune: how far they came is noted once', async () => {
    const at = await two();
    const { holder, other } = at;
    await holder.commit(changeOf({ tasks: [mirrorTask('t1', 0, { message: 'newer' })] }));
    const keep = { changesSince: at.clock.now() + 1, removedSince: null };
    await holder.prune({ ...keep, changesSince: 1 }, NEVER);
    const release = await holdLocks(at, `select from "${at.schema}".task_changes for update`);
    const pruning = [holder, other].map((claim) => claim.prune(keep, NEVER));
    await untilWaiting(at, 2);
    await release();
    const deleted = await Promise.all(pruning);
    expect(deleted.reduce((sum, { changes }) => sum + changes, 0)).toBe(1);
    const states = await execute(at.url, `select from "${at.schema}".retention_state`);
    expect(states).toHaveLength(1);
  });
});

describeWithServer('several processes that prepare a mirror for readers at once', () => {
  test('make each index once, and none is left half made', async () => {
    const mirror = await serverMirror();
    const { url, schema } = mirror;
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const claims = await Promise.all(
      names.map(async (name) => (await mirror.open()).claim({ name, baseUrl: A.baseUrl })),
    );
    for (const [at, claim] of claims.entries()) {
      const tasks = Array.from({ length: 300 }, (_, i) => mirrorTask(`${names[at]}${i}`, i));
      await claim.commit(changeOf({ tasks }));
    }
    await Promise.all(claims.map((claim) => claim.prepareForReaders(NEVER)));
    for (const claim of claims) await claim.prepareForReaders(NEVER);
    const indexes = await execute<{ name: string; valid: boolean }>(
      url,
      `select relname as name, indisvalid as valid from pg_index join pg_class on oid = indexrelid
      where relnamespace = $1::regnamespace and relname like 'reader%' order by relname`,
      [`"${schema}"`],
    );
    expect(indexes.map(({ valid }) => valid)).toEqual([true, true, true, true, true]);
  });
});
