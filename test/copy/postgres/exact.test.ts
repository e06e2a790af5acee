import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { copyMirror } from '../../../src/copy/copy.ts';
import type { CopyTarget } from '../../../src/store/copyable.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import type { MirrorStore } from '../../../src/store/store.ts';
import { A, B, changeOf, mirrorTask, NEVER, RECORD, rejectedRow } from '../../contracts/mirror-store/kit.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { readRows } from '../../support/mirror.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, execute, targetOf } from '../../support/postgres/server.ts';
import { at, EPOCH } from '../../support/tasks.ts';
import {
  codeOf,
  copy,
  mirrorWithEverything,
  newFile,
  newSchema,
  openStore,
  type Place,
  rowsIn,
  schemaAt,
} from './kit.ts';

/** Copies while the origin is written before each write of the copy. */
async function copyWhile(from: Place, to: Place, happens: () => Promise<unknown>): Promise<void> {
  const during = (target: CopyTarget): CopyTarget => {
    const write = target.write.bind(target);
    target.write = async (table, rows) => {
      await happens();
      return write(table, rows);
    };
    return target;
  };
  expect((await copy(from, to, during)).filter(({ isExact }) => !isExact)).toEqual([]);
}

async function syncing(store: MirrorStore): Promise<() => Promise<void>> {
  const claim = await store.claim(A);
  await claim.startRun('backfill');
  await claim.commit(changeOf({ tasks: Array.from({ length: 10 }, (_, n) => mirrorTask(`old ${n}`)) }));
  let nth = 0;
  return async () => {
    nth += 1;
    const changed = mirrorTask(`old ${nth % 10}`, 0, { message: `changed ${nth}` });
    await claim.commit(
      changeOf({ tasks: [mirrorTask(`new ${nth}`), changed], ledger: { watermark: EPOCH + nth, gaps: [] } }),
    );
    await claim.remove([`new ${nth - 1}`]);
  };
}

describeWithServer('a copy is exact', () => {
  test('as of the moment when it began, while a run goes on writing to its origin', async () => {
    const [file, schema, back, other] = [newFile(), newSchema(), newFile(), newFile()];
    const write = await syncing(await openStore(file.file));
    const before = rowsIn(file.file);
    await copyWhile(file, schema, write);
    await copy(schema, back);
    // Of the run only who runs it is left out.
    const free = { pid: null, host: null, renewed_at: null };
    const runs = before['sync_runs']?.map((run) => JSON.stringify({ ...JSON.parse(String(run)), ...free }));
    expect(rowsIn(back.file)).toEqual({ ...before, sync_runs: runs });

    const mirror = await serverMirror();
    const writeThere = await syncing(await mirror.open());
    const place = schemaAt(mirror.url, mirror.schema);
    await copyWhile(place, other, writeThere);
    expect(readRows(other.file, 'select id from tasks')).toHaveLength(10);
    expect(readRows(other.file, 'select watermark from sources')).toEqual([{ watermark: null }]);
  });

  test('so runs go on there: numbers rise, and a run that was under way is closed', async () => {
    const [file, schema, back] = [newFile(), newSchema(), newFile()];
    await mirrorWithEverything(file.file);
    const running = await (await openStore(file.file)).claim(A);
    await copy(file, schema);
    await copy(schema, back);
    await running.release();
    const options = { create: false, clock: createFakeClock(), omit: new Set<never>() };
    const there = await openPostgresStore(targetOf(schema.url, { schema: schema.schema }), options);
    for (const store of [there, await openStore(back.file)]) {
      const [last] = await store.recentRuns(1);
      const claim = await store.claim(A);
      const id = await claim.startRun('incremental');
      expect(id).toBe((last?.id ?? 0) + 1);
      const changed = mirrorTask('task 2', 2_000, { message: 'changed there' });
      const { insertedIds, updatedIds } = await claim.commit(changeOf({ tasks: [changed, mirrorTask('x')] }));
      expect([insertedIds, updatedIds]).toEqual([['x'], ['task 2']]);
      await claim.prepareForReaders(NEVER);
      await claim.finishRun(id, RECORD);
      await claim.release();
      expect((await store.recentRuns(2)).map(({ outcome }) => outcome)).toEqual(['ok', 'interrupted']);
      await store.close();
    }
    const lines = await execute<{ change_no: string }>(
      schema.url,
      `select change_no from "${schema.schema}".task_changes order by change_no desc limit 1`,
    );
    const [line] = readRows<{ rowid: number }>(
      back.file,
      'select rowid from task_changes order by rowid desc',
    );
    expect(Number(lines[0]?.change_no)).toBe(line?.rowid);
  });

  test('or it stays unfinished: a row that is not as it was written is found, and mended', async () => {
    for (const to of [newFile(), newSchema()]) {
      const file = newFile();
      await mirrorWithEverything(file.file);
      const origin = await file.origin();
      const target = await to.target(origin);
      const write = target.write.bind(target);
      target.write = async (table, rows) => {
        const planted = rows.map((row) => row.map((cell) => (cell === 'task 5' ? 'task 8' : cell)));
        await write(table, table === 'task_changes' ? planted : rows);
        return { rows, setAside: [], leftOut: 0 };
      };
      const tables = await copyMirror(origin, target, { signal: NEVER });
      await target.close();
      const wrong = tables.filter(({ isExact }) => !isExact);
      expect(wrong.map(({ table }) => table)).toEqual(['task_changes']);
      expect(wrong[0]?.target.checksum).not.toBe(wrong[0]?.origin.checksum);
      expect(await codeOf(() => to.origin())).toBe('copy_unfinished');

      expect((await copy(file, to)).every(({ isExact }) => isExact)).toBe(true);
      const back = newFile();
      await copy(to, back);
      expect(rowsIn(back.file)).toEqual(rowsIn(file.file));
    }
  });

  test('of 80 MB of texts in 60 MB of heap, both ways', async () => {
    const [file, schema, back] = [newFile(), newSchema(), newFile()];
    const store = await openStore(file.file);
    await (await store.claim(A)).release();
    await store.close();
    makeTasks(file.file, 8_000);
    const script = join(import.meta.dirname, 'bounded.ts');
    const args = ['--max-old-space-size=60', script, file.file, schema.url, schema.schema, back.file];
    const child = spawn(process.execPath, args, { stdio: 'inherit' });
    expect(await once(child, 'close')).toEqual([0, null]);
    const sum = 'select count(*) as n, sum(length(message)) as length from tasks';
    expect(readRows(back.file, sum)).toEqual(readRows(file.file, sum));
  });
});

/** Tasks whose rows do not fit into the heap. */
function makeTasks(file: string, count: number): void {
  const db = new Database(file);
  const moment = at(EPOCH);
  db.exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
    insert into tasks (id, source, status, message, show_in_history, auto_execute, created_at, last_activity_at,
      message_count, first_seen_at, changed_at)
    select 'task ' || (i * 7919 % 1000003), 'a', 'completed', i || '${'x'.repeat(10_000)}', 1, 0, '${moment}',
      '${moment}', 1, '${moment}', '${moment}' from n`);
  db.close();
}

describeWithServer('what PostgreSQL cannot hold', () => {
  test('is set aside and counted, and the rest of the mirror is exact', async () => {
    const [file, schema, back] = [newFile(), newSchema(), newFile()];
    const store = await openStore(file.file);
    const claim = await store.claim(A);
    const [long, longer] = ['界'.repeat(900), '界'.repeat(901)];
    const early = '0000-06-01T00:00:00.000Z';
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const odd = [
      mirrorTask(long),
      mirrorTask('early', 0, { createdAt: early }),
      mirrorTask('deep', 0, { env: deep }),
    ];
    await claim.commit(
      changeOf({
        tasks: [...Array.from({ length: 9 }, (_, n) => mirrorTask(`task ${n}`)), ...odd],
        ledger: { watermark: EPOCH, gaps: [{ lower: Date.parse(early) - 1, upper: Date.parse(early) }] },
      }),
    );
    const changed = odd.map((task) => ({ ...task, message: 'changed' }));
    await claim.commit(changeOf({ tasks: changed }));
    const rejectedBefore = [rejectedRow(longer), rejectedRow('early', { activity: Date.parse(early) })];
    await claim.commit(changeOf({ rejected: rejectedBefore }));
    await claim.release();
    const other = await store.claim(B);
    await other.commit(changeOf({ tasks: [...changed, mirrorTask('task 1')] }));
    await other.release();
    await store.close();

    const tables = await copy(file, schema);
    expect(tables.filter(({ isExact }) => !isExact)).toEqual([]);
    const counts = Object.fromEntries(
      tables.map(({ table, setAside, leftOut }) => [table, setAside + leftOut]),
    );
    expect(counts).toMatchObject({ tasks: 3, also_shown: 3, rejected_rows: 0, gaps: 0 });
    expect(counts['task_changes']).toBeGreaterThanOrEqual(3);

    // And back: the ids that were too long for a key are keys again.
    await copy(schema, back);
    expect(readRows(back.file, 'select id from tasks')).toHaveLength(9);
    const rejected = readRows<{ key: number; task: string; reason: string; changed: number }>(
      back.file,
      `select row_key = task_id as key, substr(task_id, 1, 5) || length(task_id) as task, reason,
        payload like '%"message":"changed"%' as changed from rejected_rows order by reason, task`,
    );
    expect(rejected.map((row) => [row.reason, row.task, row.key, row.changed])).toEqual([
      ['a time before the year 1, which the database does not know', 'early5', 0, 1],
      [expect.stringMatching(/^id: longer than /), '界界界界界900', 0, 1],
      ['status: expected a string', 'early5', 1, 0],
      ['status: expected a string', '界界界界界901', 1, 0],
      ['the database cannot hold this task (SQLSTATE 54001)', 'deep4', 0, 1],
    ]);
  });
});
