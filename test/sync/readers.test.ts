import { expect, test } from 'vitest';
import Database from 'better-sqlite3';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { InterruptedError } from '../../src/model/errors.ts';
import type { MirrorClaim, MirrorStore } from '../../src/store/store.ts';
import { syncSource } from '../../src/sync/sync.ts';
import { memorySource } from '../support/memory-source.ts';
import { readRows } from '../support/mirror.ts';
import { builtThrough, COMPLETE } from '../support/search-index.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { diskFull } from '../support/errors.ts';
import { withExitCode } from '../support/told.ts';

/** What `search_state` of the bench's mirror says. */
function built({ file }: Bench): bigint | null {
  const db = new Database(file, { readonly: true });
  try {
    return builtThrough(db);
  } finally {
    db.close();
  }
}

/** The bench's store, whose claims prepare for readers in another way. */
function storeThat(
  bench: Bench,
  prepareForReaders: (real: () => Promise<void>, signal: AbortSignal) => Promise<void>,
): MirrorStore {
  const wrap = (claim: MirrorClaim): MirrorClaim =>
    new Proxy(claim, {
      get(target, name) {
        if (name === 'prepareForReaders') {
          return (signal: AbortSignal) => prepareForReaders(() => target.prepareForReaders(signal), signal);
        }
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  return { ...bench.store, claim: async (source) => wrap(await bench.store.claim(source)) };
}

async function syncInto(bench: Bench, store: MirrorStore, list: SimulatedList, signal?: AbortSignal) {
  const result = await syncSource(
    { name: 'default', baseUrl: 'https://api.example' },
    { store, connect: () => memorySource(list), clock: bench.clock, logFor: () => bench.log },
    { pageSize: 100, concurrency: 4, overlapMs: 300_000, signal: signal ?? new AbortController().signal },
  );
  return withExitCode(result);
}

test('a backfill that is cut off leaves the index for readers to the run that comes to the end of the list', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(350, 60_000));
  const controller = new AbortController();
  const { report } = await bench.sync(list, {
    signal: controller.signal,
    beforeList: ({ count }) => {
      if (count === 3) controller.abort(new InterruptedError('enough'));
    },
  });
  expect(report.inserted).toBeGreaterThan(0);
  expect(built(bench)).toBeNull();
  await bench.sync(list);
  expect(built(bench)).toBe(COMPLETE);
});

test('a dry run makes no index', async () => {
  const bench = await syncBench();
  await bench.sync(new SimulatedList(tasksApart(5, 60_000)), { dryRun: true });
  expect(built(bench)).toBeNull();
});

test('new and changed tasks of later runs are found without another build', async () => {
  const bench = await syncBench();
  const tasks = tasksApart(20, 60_000);
  await bench.sync(new SimulatedList(tasks));
  const newer = completedTask('new', EPOCH + 1_000, { message: 'a zebra' });
  await bench.sync(new SimulatedList([newer, ...tasks]));
  const rows = readRows<{ id: string }>(
    bench.file,
    "select id from tasks where rowid in (select rowid from task_search where task_search match 'zebra')",
  );
  expect(rows).toEqual([{ id: 'new' }]);
});

test('a run that finds nothing new writes its own record and nothing else', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(20, 60_000));
  await bench.sync(list);
  const db = new Database(bench.file, { readonly: true });
  const version = () => db.pragma('data_version', { simple: true });
  const seen: unknown[] = [];
  const store = storeThat(bench, async (prepare) => {
    seen.push(version());
    await prepare();
    seen.push(version());
  });
  await syncInto(bench, store, list);
  db.close();
  expect(seen).toHaveLength(2);
  expect(seen[0]).toBe(seen[1]);
});

test('a failure to build the index is logged, and affects neither the run nor its record', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(20, 60_000));
  const full = diskFull('the disk is full');
  const failing = storeThat(bench, () => Promise.reject(full));
  const { report, failure, exitCode } = await syncInto(bench, failing, list);
  expect([report.outcome, failure, exitCode]).toEqual(['ok', null, EXIT.done]);
  expect((await bench.store.recentRuns(1))[0]).toMatchObject({ outcome: 'ok', error: null });
  expect(bench.log.lines.filter(({ level }) => level === 'warn')).toEqual([
    {
      level: 'warn',
      fields: { err: full },
      message: expect.stringContaining('the next run continues') as string,
    },
  ]);
  await bench.sync(list);
  expect(built(bench)).toBe(COMPLETE);
});

test('an interruption while the index is made leaves the run as it ended, and the next one goes on', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(20, 60_000));
  const controller = new AbortController();
  const store = storeThat(bench, async (prepare) => {
    const work = prepare();
    controller.abort(new InterruptedError('enough'));
    await work;
  });
  const { report } = await syncInto(bench, store, list, controller.signal);
  expect(report.outcome).toBe('ok');
  expect(built(bench)).toBeNull();
  await bench.sync(list);
  expect(built(bench)).toBe(COMPLETE);
});
