import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DatabaseError } from '../../../src/model/errors.ts';
import { SimulatedList } from '../../../src/source/simulated/list.ts';
import type { connect } from '../../../src/store/postgres/connection.ts';
import type { openStoreOn } from '../../../src/store/postgres/store.ts';
import { plant } from '../../simulator/plant.ts';
import { EXACT, look, type Sight } from '../../support/postgres/exact.ts';
import { type BenchParts, type BenchResult, runBench } from '../../support/postgres/run.ts';
import { describeWithOwnServer, ownServer } from '../../support/postgres/server.ts';
import { tasksApart } from '../../support/tasks.ts';

const TASKS = 3_000;
/** Pages before which the copy is taken, and before which it takes the server's place. */
const [COPIED_AT, FAILED_AT] = [8, 20];

interface Failover {
  /** The run that was moved to the copy. */
  moved: BenchResult;
  after: Sight;
  /** A run after it, and what it left. */
  next: BenchResult;
  last: Sight;
}

/**
 * Moves a first run, in its middle, to a copy of the server that lacks its last commits, as a standby may that
 * lags behind when it is promoted.
 */
async function failOver(parts: BenchParts = {}): Promise<Failover> {
  const server = await ownServer();
  const place = { url: server.url, schema: 'taskmirror' };
  const bench = runBench(place, parts);
  const list = new SimulatedList(tasksApart(TASKS, 60_000));
  const [data, copy] = [join(server.folder, 'data'), join(server.folder, 'copy')];
  const moved = await bench.sync(list, {
    concurrency: 1,
    betweenWrites: true,
    async beforeList({ count }) {
      if (count === COPIED_AT) {
        await server.kill('SIGINT');
        // With the owner of each file.
        execFileSync('cp', ['-a', data, copy]);
        await server.restart();
      }
      if (count === FAILED_AT) {
        await server.kill('SIGKILL');
        rmSync(data, { recursive: true });
        renameSync(copy, data);
        await server.restart();
      }
    },
  });
  const after = await look(place, list);
  const next = await bench.sync(list);
  return { moved, after, next, last: await look(place, list) };
}

describeWithOwnServer('a failover to a copy that lacks the last commits', () => {
  test('ends the run, and the ledger of the copy is not ahead of its rows: the next run makes it exact', async () => {
    const { moved, after, next, last } = await failOver();
    expect(moved.failure).toBeInstanceOf(DatabaseError);
    expect(moved.failure).toMatchObject({ code: 'server_went_back' });
    expect(after.lost).toEqual([]);
    expect(after.missing.length).toBeGreaterThan(0);
    expect(next.failure).toBeNull();
    expect(last).toEqual(EXACT);
  });

  test('would lose rows for good if writes were not counted: this test finds it', async () => {
    const { load, remove } = plant({
      name: 'writes that are not counted',
      changes: [
        {
          file: 'src/store/postgres/lease.ts',
          from: 'and writes = $4::bigint',
          to: 'and $4::bigint is not null',
        },
      ],
    });
    onTestFinished(remove);
    const stores = (await load('src/store/postgres/store.ts')) as { openStoreOn: typeof openStoreOn };
    const connecting = (await load('src/store/postgres/connection.ts')) as { connect: typeof connect };
    const { moved, after, next, last } = await failOver({
      openOn: stores.openStoreOn,
      connectTo: connecting.connect,
    });
    expect(moved.failure).toBeNull();
    expect(after.lost.length).toBeGreaterThan(0);
    expect(next.failure).toBeNull();
    expect(last.lost).toEqual(after.lost);
  });
});
