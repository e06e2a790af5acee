import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { keyRefused } from '../support/errors.ts';
import type { MirrorClaim, MirrorStore } from '../../src/store/store.ts';
import { openMirrorStore } from '../../src/store/sqlite/store.ts';
import { syncSource } from '../../src/sync/sync.ts';
import type { OmittableField } from '../../src/model/task.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { memorySource } from '../support/memory-source.ts';
import { inMirrorOrder, memoryLog, mirroredTasks, readRows, temporaryMirror } from '../support/mirror.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { withExitCode } from '../support/told.ts';

const DAY = 86_400_000;
const IDENTITY = { name: 'default', baseUrl: 'https://api.example' };
const OPTIONS = { pageSize: 100, concurrency: 4, overlapMs: 300_000, signal: new AbortController().signal };

interface Mirror {
  store: MirrorStore;
  clock: FakeClock;
}

async function run(
  { store, clock }: Mirror,
  list: SimulatedList,
  options: Partial<Parameters<typeof syncSource>[2]> & { refused?: boolean } = {},
) {
  const log = memoryLog();
  const result = await syncSource(
    IDENTITY,
    {
      store,
      clock,
      logFor: () => log,
      connect: () => {
        if (options.refused === true) throw keyRefused('the key was refused');
        return memorySource(list);
      },
    },
    { ...OPTIONS, ...options },
  );
  return { ...withExitCode(result), lines: log.lines };
}

/** A mirror of some tasks, and the same file opened by settings that leave fields out. */
async function mirrored(omit: readonly OmittableField[] = []) {
  const clock = createFakeClock(EPOCH + 3_600_000);
  const { store, file } = await temporaryMirror(clock);
  const list = new SimulatedList(tasksApart(30, 60_000));
  await run({ store, clock }, list);
  const omitting = await openMirrorStore(file, { create: false, clock, omit: new Set(omit) });
  onTestFinished(() => omitting.close());
  return { list, file, clock, store: omitting };
}

/** The store, of whose claims one method does something else. */
function withClaim(store: MirrorStore, methods: Partial<MirrorClaim>): MirrorStore {
  return new Proxy(store, {
    get(target, property) {
      if (property !== 'claim') return Reflect.get(target, property, target) as unknown;
      return async (...args: Parameters<MirrorStore['claim']>) => {
        const claim = await target.claim(...args);
        return new Proxy(claim, {
          get(inner, name) {
            const own = Reflect.get(methods, name) as unknown;
            const member: unknown = own ?? Reflect.get(inner, name, inner);
            return typeof member === 'function' ? member.bind(inner) : member;
          },
        });
      };
    },
  });
}

describe('a run clears what must not be kept any more', () => {
  test('before it reads anything, so that nothing counts as changed for it', async () => {
    const { list, store, clock } = await mirrored(['message']);
    const { report, lines } = await run({ store, clock }, list, { full: true });
    expect(report).toMatchObject({ outcome: 'ok', updated: 0 });
    expect(await store.leftovers(['message'])).toEqual([]);
    expect(lines).toContainEqual({
      level: 'info',
      fields: { fields: ['message'] },
      message: 'cleared omitted fields from the mirror',
    });
    expect((await run({ store, clock }, list)).lines.map(({ message }) => message)).not.toContain(
      'cleared omitted fields from the mirror',
    );
  });

  test('even if the key is refused', async () => {
    const { list, store, clock } = await mirrored(['message']);
    expect((await run({ store, clock }, list, { refused: true })).exitCode).toBe(4);
    expect(await store.leftovers(['message'])).toEqual([]);
  });

  test('and if it walks the whole list, also what was stored after it had been cleared', async () => {
    const { list, store, clock, file } = await mirrored(['systemPrompt']);
    await run({ store, clock }, list);
    const db = new Database(file);
    db.exec("insert into task_changes values ('t000003', 'system_prompt', 'stray', null, '2026-01-01', 1)");
    db.close();
    await run({ store, clock }, list);
    expect(await store.leftovers(['systemPrompt'])).toMatchObject([{ changes: 1, inFreeSpace: false }]);
    await run({ store, clock }, list, { full: true });
    expect(await store.leftovers(['systemPrompt'])).toEqual([]);
    expect(readFileSync(file).includes('stray')).toBe(false);
  });

  test('and a dry run does not', async () => {
    const { list, store, clock } = await mirrored(['message']);
    await run({ store, clock }, list, { dryRun: true });
    expect(await store.leftovers(['message'])).toMatchObject([{ tasks: 30 }]);
  });

  test('and does its work even if that fails or has to wait, and logs it', async () => {
    const { list, store, clock } = await mirrored(['message']);
    list.put(completedTask('new', EPOCH + 1_000));
    const waiting = withClaim(store, {
      clearOmitted: async () => ({ cleared: [], left: ['message'] }),
    });
    const failing = withClaim(store, {
      clearOmitted: () => Promise.reject(new Error('the disk is full')),
      prune: () => Promise.reject(new Error('the disk is full')),
    });
    const retention = { changesMs: DAY, removedMs: null };
    for (const broken of [waiting, failing]) {
      const { exitCode, lines } = await run({ store: broken, clock }, list, { retention });
      expect(exitCode).toBe(0);
      expect(lines.filter(({ level }) => level === 'warn')[0]?.message).toBe(
        'omitted fields are not cleared yet: the next run continues',
      );
    }
  });
});

/** A mirror with a change and a removal, both of now. */
const changed = async () => {
  const mirror = await mirrored();
  const { list } = mirror;
  list.put(completedTask('t000003', EPOCH + 1_000));
  list.remove('t000007');
  await run(mirror, list, { full: true });
  return mirror;
};
const changesIn = (file: string): unknown => readRows(file, 'select * from task_changes');
const removedIn = (file: string): unknown =>
  readRows(file, 'select id from tasks where removed_at is not null');

describe('a run prunes what is too old', () => {
  test('by the days that the settings give, and nothing without them', async () => {
    const mirror = await changed();
    const { list, file, clock } = mirror;
    clock.advance(3 * DAY);
    await run(mirror, list);
    await run(mirror, list, { retention: { changesMs: null, removedMs: null } });
    await run(mirror, list, { retention: { changesMs: 4 * DAY, removedMs: 4 * DAY } });
    expect(changesIn(file)).not.toEqual([]);
    expect(removedIn(file)).toEqual([{ id: 't000007' }]);
    const { report, lines } = await run(mirror, list, {
      retention: { changesMs: 2 * DAY, removedMs: 2 * DAY },
    });
    expect(report).toMatchObject({ outcome: 'ok', inserted: 0, updated: 0, requests: 1 });
    expect(changesIn(file)).toEqual([]);
    expect(removedIn(file)).toEqual([]);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'info', message: 'pruned data older than retention allows' }),
    );
    expect(mirroredTasks(file)).toEqual(inMirrorOrder(list.all()));
  });

  test('even if the key is refused; a dry run prunes nothing', async () => {
    const mirror = await changed();
    const { list, file, clock } = mirror;
    clock.advance(3 * DAY);
    const retention = { changesMs: DAY, removedMs: DAY };
    await run(mirror, list, { retention, dryRun: true });
    expect(changesIn(file)).not.toEqual([]);
    await run(mirror, list, { retention, refused: true });
    expect([changesIn(file), removedIn(file)]).toEqual([[], []]);
  });

  test('and no run after that brings a task back that only the mirror had, until the list shows it', async () => {
    const mirror = await changed();
    const { list, file, clock } = mirror;
    clock.advance(3 * DAY);
    const retention = { changesMs: null, removedMs: DAY };
    for (const full of [false, true]) {
      expect((await run(mirror, list, { retention, full })).report).toMatchObject({
        inserted: 0,
        updated: 0,
      });
    }
    expect(readRows(file, "select id from tasks where id = 't000007'")).toEqual([]);
    list.put(completedTask('t000007', EPOCH + 2_000));
    expect((await run(mirror, list, { retention })).report).toMatchObject({ inserted: 1 });
    expect(mirroredTasks(file)).toEqual(inMirrorOrder(list.all()));
  });
});
