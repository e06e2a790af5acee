import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import type { Change } from '../../src/store/store.ts';
import { Batch, type PageChange } from '../../src/sync/batch.ts';
import { EMPTY_LEDGER } from '../../src/model/ledger.ts';
import { syncSource } from '../../src/sync/sync.ts';
import type { Task } from '../../src/model/task.ts';
import { mirrorTask } from '../contracts/mirror-store.ts';
import { differences } from '../failures/situation.ts';
import { withCommits } from '../support/commits.ts';
import { type MemoryOptions, memorySource } from '../support/memory-source.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { readRows } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';

const MINUTE = 60_000;

/** Syncs, and notes what each commit was given and how many rows of the mirror stood there before it. */
async function noted(
  bench: Bench,
  list: SimulatedList,
  options: MemoryOptions & { full?: boolean; concurrency?: number } = {},
) {
  const commits: Change[] = [];
  const { report } = await syncSource(
    { name: 'default', baseUrl: 'https://api.example' },
    {
      store: withCommits(bench.store, (change, write) => {
        commits.push(change);
        return write();
      }),
      connect: () => memorySource(list, options),
      clock: bench.clock,
      logFor: () => bench.log,
    },
    {
      pageSize: 100,
      concurrency: options.concurrency ?? 4,
      overlapMs: 300_000,
      signal: new AbortController().signal,
      full: options.full,
    },
  );
  return { report, commits, sizes: commits.map(({ tasks }) => tasks.length) };
}

/** A page of `count` tasks, which all are alike. */
const pageOf = (count: number, changes: Partial<Task> = {}): PageChange => ({
  tasks: Array.from({ length: count }, () => mirrorTask('t', 0, changes)),
  rejected: [],
  ledger: EMPTY_LEDGER,
});

const SHORT_PAGE = pageOf(100);
const SHORT_PAGES = Array.from({ length: 3_000 }, () => SHORT_PAGE);

/** Rows of each transaction of a run that is given these pages, in no time at all. */
function batched(pages: readonly PageChange[]): number[] {
  const batch = new Batch(createFakeClock());
  return pages.flatMap((page) => {
    batch.add(page);
    return batch.isDue ? (batch.take()?.tasks.length ?? []) : [];
  });
}

describe('pages are committed together', () => {
  test('a page at first, then more and more of them', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(20_000, MINUTE));
    const { sizes } = await noted(bench, list);
    expect(sizes.slice(0, 3)).toEqual([100, 100, 100]);
    let before = 0;
    for (const size of sizes) {
      expect(size).toBeLessThan(before / 8 + 100 + 1);
      before += size;
    }
    // 204 pages: one by one at first, then each batch an eighth of what there is.
    expect(sizes.length).toBeLessThan(50);
    expect(differences(bench, list)).toEqual([]);
  });

  test('never much more than 12,000 rows, however much a run has committed', () => {
    const sizes = batched(SHORT_PAGES);
    expect(Math.max(...sizes)).toBe(12_000);
    expect(sizes.slice(-10)).toEqual(Array(10).fill(12_000));
  });

  test.each(['message', 'systemPrompt', 'env', 'error', 'extra'] as const)(
    'fewer rows if they are long: %s of any length does not pile up in memory',
    (field) => {
      const page = pageOf(50, { [field]: 'x'.repeat(40_000) });
      const sizes = batched([...SHORT_PAGES, ...Array.from({ length: 100 }, () => page)]);
      // Eight such pages have 16 million characters.
      expect(sizes.slice(-11)).toEqual(Array(11).fill(400));
    },
  );

  test('but a second at most passes between two commits while pages come in', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(8_000, MINUTE));
    const { commits } = await noted(bench, list, {
      concurrency: 1,
      beforeList: () => bench.clock.sleep(400),
    });
    expect(commits.length).toBeGreaterThan(80 / 3);
    expect(Math.max(...commits.map(({ tasks }) => tasks.length))).toBeLessThanOrEqual(300);
  });

  test('with the ledger that exactly these pages prove', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(10_000, MINUTE));
    const { commits } = await noted(bench, list);
    for (const { tasks, ledger } of commits.slice(0, -1)) {
      const [above] = tasks.map(({ lastActivityAt }) => Date.parse(lastActivityAt)).slice(-2);
      expect(ledger?.gaps).toEqual([{ lower: null, upper: above }]);
    }
    expect(commits.at(-1)?.ledger?.gaps).toEqual([]);
  });

  test('and received rows are committed if the run fails', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(10_000, MINUTE));
    const { report } = await noted(bench, list, {
      beforeList({ offset }) {
        if (offset === 60 * 98) throw new Error('the API failed');
      },
    });
    expect(report).toMatchObject({ outcome: 'failed', inserted: 60 * 98 + 2, gaps: 1 });
    expect(readRows(bench.file, 'select upper from gaps')).toEqual([
      { upper: new Date(EPOCH - 60 * 98 * MINUTE).toISOString() },
    ]);
  });

  test('a row that was rejected and comes good on the next page leaves the rejected rows', async () => {
    const bench = await syncBench();
    const tasks = tasksApart(3_000, MINUTE);
    const list = new SimulatedList(tasks);
    // The last row of a page in the middle of a batch, which the next page shows again.
    const place = 20 * 98 + 99;
    const { report } = await noted(bench, list, {
      answer: (page, { offset }) => ({
        ...page,
        rows: page.rows.map((row) =>
          offset === 20 * 98 && row.task?.id === tasks[place]?.id
            ? {
                activity: row.activity,
                rejected: { id: row.task?.id ?? null, payload: '{}', reason: 'spoilt' },
              }
            : row,
        ),
      }),
    });
    expect(report).toMatchObject({ rejected: 1, inserted: 3_000 });
    expect(readRows(bench.file, 'select * from rejected_rows')).toEqual([]);
  });

  test('a task that came late is noticed in a batch as on a page of its own', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(5_000, MINUTE));
    await bench.sync(list);
    list.put(completedTask('late', EPOCH - 3_000 * MINUTE - 1));
    await noted(bench, list, { full: true });
    expect(readRows(bench.file, 'select learned_overlap_ms from sources')).toEqual([
      { learned_overlap_ms: 600_000 },
    ]);
  });
});

test('a full run of unchanged tasks writes no row', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(2_000, MINUTE));
  await bench.sync(list);
  const db = new Database(bench.file);
  onTestFinished(() => void db.close());
  db.exec(`create table written (what text);
    create trigger inserted after insert on tasks begin insert into written values ('insert'); end;
    create trigger updated after update on tasks begin insert into written values ('update'); end;
    create trigger journaled after insert on task_changes begin insert into written values ('journal'); end;`);
  const { report } = await noted(bench, list, { full: true });
  expect(report).toMatchObject({ outcome: 'ok', verdict: 'clean', inserted: 0, updated: 0 });
  expect(readRows(bench.file, 'select * from written')).toEqual([]);
});
