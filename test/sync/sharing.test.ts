import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { syncSource } from '../../src/sync/sync.ts';
import { verifySource } from '../../src/sync/verify.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { type MemoryOptions, memorySource } from '../support/memory-source.ts';
import { inMirrorOrder, memoryLog, mirroredTasks, readRows, temporaryMirror } from '../support/mirror.ts';
import { at, completedTask, EPOCH, runningTask, tasksApart } from '../support/tasks.ts';
import { withExitCode } from '../support/told.ts';

const MINUTE = 60_000;
const OPTIONS = { pageSize: 100, concurrency: 4, overlapMs: 300_000, signal: new AbortController().signal };
const identity = (name: string) => ({ name, baseUrl: 'https://api.example' });

/** One mirror, and the lists that two keys show of the same tasks: `bots` sees some of them, and one of its own. */
async function twoKeys(count = 300) {
  const clock = createFakeClock(EPOCH + 3_600_000);
  const { store, file } = await temporaryMirror(clock);
  const tasks = tasksApart(count, MINUTE);
  const team = new SimulatedList(tasks);
  const bots = new SimulatedList([...tasks.filter((_, i) => i % 3 > 0), completedTask('bot', EPOCH - 7)]);
  const lists = { team, bots };
  const sync = async (
    name: keyof typeof lists,
    options: MemoryOptions & Partial<Parameters<typeof syncSource>[2]> = {},
  ) => {
    const log = memoryLog();
    const source = memorySource(lists[name], options);
    const result = await syncSource(
      identity(name),
      { store, clock, logFor: () => log, connect: () => source },
      { ...OPTIONS, ...options },
    );
    return { ...withExitCode(result), source, log };
  };
  const statusOf = async (name: string) => (await store.status()).find(({ source }) => source === name);
  const liveIds = () =>
    mirroredTasks(file)
      .map(({ id }) => id)
      .toSorted();
  return { clock, store, file, team, bots, sync, statusOf, liveIds };
}

const idsOf = (...lists: SimulatedList[]): string[] =>
  [...new Set(lists.flatMap((list) => list.all().map(({ id }) => id)))].toSorted();

/** Takes these from the list, as where a key loses the right to see them. */
function hide(list: SimulatedList, which: (id: string) => boolean): string[] {
  const hidden = list
    .all()
    .map(({ id }) => id)
    .filter(which);
  for (const id of hidden) list.remove(id);
  return hidden;
}

describe('two keys that show the same tasks', () => {
  test('make one mirror of all of them, in which the second says who holds what it shows', async () => {
    const { file, team, bots, sync, statusOf, liveIds } = await twoKeys();
    await sync('team');
    await sync('bots');
    expect(liveIds()).toEqual(idsOf(team, bots));
    expect(await statusOf('team')).toMatchObject({ liveRows: 300, heldBy: [] });
    expect(await statusOf('bots')).toMatchObject({
      liveRows: 1,
      apiTotal: 201,
      heldBy: [{ source: 'team', rows: 200 }],
    });
    expect(mirroredTasks(file).filter(({ id }) => id !== 'bot')).toEqual(inMirrorOrder(team.all()));
  });

  test('need no full run because one of them comes first, or the other: the totals stay what they were', async () => {
    const { team, bots, sync } = await twoKeys();
    for (const name of ['team', 'bots'] as const) await sync(name, { full: true });
    for (const [i, first] of (['team', 'bots', 'bots', 'team'] as const).entries()) {
      for (const list of [team, bots]) list.put(completedTask(`new${i}`, EPOCH + (i + 1) * 1_000));
      const second = first === 'team' ? 'bots' : 'team';
      expect(await sync(first)).toMatchObject({ fullAdvised: false, report: { inserted: 1 } });
      expect(await sync(second)).toMatchObject({ fullAdvised: false, report: { inserted: 0 } });
      expect((await sync(second)).report).toMatchObject({ requests: 1 });
    }
  });

  test('lose nothing that one of them still shows, when the other loses sight of it', async () => {
    const { file, team, bots, sync, statusOf, liveIds } = await twoKeys();
    for (const name of ['team', 'bots'] as const) await sync(name);
    const hidden = hide(team, (id) => Number(id.slice(1)) % 3 === 1);
    const { report, log, exitCode } = await sync('team', { full: true });
    // A third of the mirror, but none of it goes: no case for the brake.
    expect([exitCode, report.removed, hidden.length]).toEqual([0, 0, 100]);
    expect(log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
    expect(liveIds()).toEqual(idsOf(team, bots));
    expect(await statusOf('bots')).toMatchObject({
      liveRows: 101,
      heldBy: [{ source: 'team', rows: 100 }],
    });
    expect(readRows(file, 'select distinct field, old_value, new_value from task_changes')).toEqual([
      { field: 'source', old_value: 'team', new_value: 'bots' },
    ]);
    expect((await sync('bots', { full: true })).report).toMatchObject({
      inserted: 0,
      updated: 0,
      removed: 0,
    });
    expect((await sync('team', { full: true })).report).toMatchObject({
      inserted: 0,
      updated: 0,
      removed: 0,
    });
  });

  test('remove what neither shows any more, whichever runs first', async () => {
    for (const order of [['team', 'bots'] as const, ['bots', 'team'] as const]) {
      const { team, bots, sync, statusOf, liveIds } = await twoKeys();
      for (const name of ['team', 'bots'] as const) await sync(name);
      // All but the newest, which a full run keeps until the list shows a newer one.
      for (const list of [team, bots]) {
        hide(list, (id) => /[05]$/.test(id) && Number(id.slice(1)) < 95 && id !== 't000000');
      }
      let removed = 0;
      for (const name of order) removed += (await sync(name, { full: true })).report.removed;
      expect(liveIds()).toEqual(idsOf(team, bots));
      expect(removed).toBe(18);
      expect(await statusOf('bots')).toMatchObject({
        heldBy: [{ source: 'team', rows: idsOf(bots).length - 1 }],
      });
    }
  });

  test('are stopped by the brake if more would go than may: what another one shows does not count', async () => {
    const { team, bots, sync, liveIds } = await twoKeys();
    for (const name of ['team', 'bots'] as const) await sync(name);
    hide(team, () => true);
    team.put(completedTask('kept', EPOCH + 1_000));
    const { report, exitCode } = await sync('team', { full: true });
    expect(exitCode).toBe(7);
    expect(report.error).toContain('100 of 301 mirrored tasks are no longer in the list');
    const { report: allowed } = await sync('team', { full: true, allowRemovals: true });
    expect(allowed.removed).toBe(100);
    expect(liveIds()).toEqual(idsOf(team, bots));
  });

  test('plan as much in a dry run', async () => {
    const { team, sync } = await twoKeys();
    for (const name of ['team', 'bots'] as const) await sync(name);
    const hidden = hide(team, (id) => ['t000003', 't000004', 't000005'].includes(id));
    const { report } = await sync('team', { full: true, dryRun: true });
    expect(hidden).toHaveLength(3);
    expect(report).toMatchObject({ removed: 1, plan: { remove: ['t000003'] } });
  });

  test('both read again the open tasks that they show, whoever holds them', async () => {
    const { file, team, bots, sync } = await twoKeys();
    for (const list of [team, bots]) list.put(runningTask('t000250', EPOCH - 250 * MINUTE));
    for (const name of ['team', 'bots'] as const) await sync(name);
    for (const list of [team, bots]) {
      list.put(runningTask('t000250', EPOCH - 250 * MINUTE, { status: 'awaiting_approval' }));
    }
    // The holder's key may be refused meanwhile.
    await sync('bots');
    expect(readRows(file, "select source, status from tasks where id = 't000250'")).toEqual([
      { source: 'team', status: 'awaiting_approval' },
    ]);
  });

  test('go on with a backfill that was cut off where it was, though another one holds the rows', async () => {
    const { sync, statusOf } = await twoKeys(1_200);
    await sync('team');
    const stop = new AbortController();
    await sync('bots', {
      signal: stop.signal,
      concurrency: 1,
      beforeList({ count }) {
        if (count === 6) stop.abort();
      },
    });
    const { gaps } = (await statusOf('bots')) ?? { gaps: [] };
    expect(gaps).toMatchObject([{ lower: null }]);
    const { source } = await sync('bots');
    // The head, and then far below the rows that were read before.
    expect(source.lists[0]).toBe(0);
    expect(source.lists[1]).toBeGreaterThan(300);
    expect(await statusOf('bots')).toMatchObject({ gaps: [], completeThrough: at(EPOCH - 7) });
  });

  test('verify as exact, each by itself', async () => {
    const { store, team, bots, sync } = await twoKeys();
    const verify = (name: string, list: SimulatedList) =>
      verifySource(
        identity(name),
        { store, source: memorySource(list) },
        { pageSize: 100, concurrency: 4, signal: OPTIONS.signal },
      );
    for (const name of ['team', 'bots'] as const) await sync(name);
    hide(team, (id) => id === 't000001');
    await sync('team', { full: true });
    expect(await verify('team', team)).toMatchObject({ ok: true, rowsCompared: 299 });
    expect(await verify('bots', bots)).toMatchObject({ ok: true, rowsCompared: 201 });
  });
});
