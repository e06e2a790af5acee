import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { DatabaseError } from '../../src/model/errors.ts';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { syncSource } from '../../src/sync/sync.ts';
import { differences } from '../failures/situation.ts';
import { type Commit, withCommits } from '../support/commits.ts';
import { memorySource } from '../support/memory-source.ts';
import { readRows } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { tasksApart } from '../support/tasks.ts';

const ROWS = 5_000;
/** Turns of the event loop that a commit takes: many answers come meanwhile. */
const TURNS = 100;

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await setImmediate();
}

/** Syncs, one request at a time, into a store whose commits are done by `commit`. */
async function syncBy(bench: Bench, list: SimulatedList, commit: Commit, source = memorySource(list)) {
  return syncSource(
    { name: 'default', baseUrl: 'https://api.example' },
    {
      store: withCommits(bench.store, commit),
      connect: () => source,
      clock: bench.clock,
      logFor: () => bench.log,
    },
    { pageSize: 100, concurrency: 1, overlapMs: 300_000, signal: new AbortController().signal },
  );
}

describe('while a batch is written', () => {
  test('the walk reads on', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, 1_000));
    const read: number[] = [];
    const source = memorySource(list);
    const slow: Commit = async (_change, write) => {
      const before = source.lists.length;
      await turns();
      read.push(source.lists.length - before);
      return write();
    };
    const { report } = await syncBy(bench, list, slow, source);
    expect(Math.max(...read)).toBeGreaterThan(3);
    expect(report).toMatchObject({ outcome: 'ok', inserted: ROWS });
    expect(differences(bench, list)).toEqual([]);
  });

  test('no other batch is', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, 1_000));
    let writing = 0;
    let most = 0;
    let commits = 0;
    const { report } = await syncBy(bench, list, async (_change, write) => {
      commits += 1;
      writing += 1;
      most = Math.max(most, writing);
      await turns();
      const committed = await write();
      writing -= 1;
      return committed;
    });
    expect(report.outcome).toBe('ok');
    expect(commits).toBeGreaterThan(10);
    expect(most).toBe(1);
  });

  test('and cannot be, the run fails with its error, writes nothing that was read since, and the next run goes on', async () => {
    const bench = await syncBench();
    const tasks = tasksApart(ROWS, 1_000);
    const list = new SimulatedList(tasks);
    let commits = 0;
    const lost = new DatabaseError(
      'server_went_back',
      { server: 'x', expected: 1, found: 0 },
      'the connection was lost',
    );
    const { failure, report } = await syncBy(bench, list, async (_change, write) => {
      commits += 1;
      await turns();
      if (commits === 5) throw lost;
      return write();
    });
    expect(failure).toBe(lost);
    expect(commits).toBe(5);
    expect(report.gaps).toBe(1);
    const [gap] = readRows<{ upper: string }>(bench.file, 'select upper from gaps');
    const proven = tasks.filter(({ lastActivityAt }) => lastActivityAt > (gap?.upper ?? ''));
    expect(proven.length).toBeGreaterThan(100);
    const mirrored = new Set(
      readRows<{ id: string }>(bench.file, 'select id from tasks').map(({ id }) => id),
    );
    expect(mirrored.size).toBe(report.inserted);
    expect(proven.filter(({ id }) => !mirrored.has(id))).toEqual([]);

    const { report: next } = await bench.sync(list);
    expect(next).toMatchObject({ outcome: 'ok', gaps: 0 });
    expect(differences(bench, list)).toEqual([]);
  });
});
