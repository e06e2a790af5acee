import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { utcText } from '../../../src/model/task.ts';
import type { CopyTarget } from '../../../src/store/copyable.ts';
import { openPostgresReader, openPostgresStore } from '../../../src/store/postgres/store.ts';
import { openForQuery } from '../../../src/store/sqlite/readonly.ts';
import { openSqliteHooks } from '../../../src/store/sqlite/hooks.ts';
import { openMirrorReader } from '../../../src/store/sqlite/reader.ts';
import { A, B, changeOf, HOUR, mirrorTask, NEVER } from '../../contracts/mirror-store/kit.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { describeWithServer, targetOf } from '../../support/postgres/server.ts';
import {
  codeOf,
  copy,
  fileAt,
  mirrorWithEverything,
  newFile,
  newSchema,
  openStore,
  type Place,
  rowsIn,
} from './kit.ts';

/** Lets this many writes through, and fails those after them, before or after they are committed. */
function cutAfter(writes: number, when: 'before' | 'after'): (target: CopyTarget) => CopyTarget {
  return (target) => {
    let left = writes;
    const cut = async <T>(work: () => Promise<T>): Promise<T> => {
      left -= 1;
      if (left < 0 && when === 'before') throw new Error('cut off');
      const done = await work();
      if (left < 0) throw new Error('cut off');
      return done;
    };
    return {
      name: target.name,
      count: (table) => target.count(table),
      batches: (table) => target.batches(table),
      find: (table, rows) => target.find(table, rows),
      write: (table, rows) => cut(() => target.write(table, rows)),
      remove: (table, rows) => cut(() => target.remove(table, rows)),
      finish: () => (when === 'before' ? cut(() => target.finish()) : target.finish()),
      close: () => target.close(),
    };
  };
}

/** Lets every write through, and fails what makes a mirror of it. */
function cutAtTheEnd(target: CopyTarget): CopyTarget {
  target.finish = () => Promise.reject(new Error('cut off'));
  return target;
}

/** Cuts a copy off at each of its writes, and goes on each time. Returns how often. */
async function copyInPieces(from: Place, to: Place, when: 'before' | 'after'): Promise<number> {
  const cut = cutAfter(when === 'before' ? 1 : 0, when);
  for (let cuts = 0; ; cuts += 1) {
    const error = await codeOf(() => copy(from, to, cut));
    if (error === null) return cuts;
    expect(error).toBe('Error: cut off');
  }
}

describeWithServer('a copy that was cut off', () => {
  test.each(['before', 'after'] as const)('at each write, %s it, ends with the same rows', async (when) => {
    const [file, schema, back] = [newFile(), newSchema(), newFile()];
    await mirrorWithEverything(file.file);
    expect(await copyInPieces(file, schema, when)).toBeGreaterThan(10);
    expect(await copyInPieces(schema, back, when)).toBeGreaterThan(10);
    expect(rowsIn(back.file)).toEqual(rowsIn(file.file));
  });

  test('has what happened to its origin since: renamed, changed, removed, deleted and healed', async () => {
    const file = newFile();
    await mirrorWithEverything(file.file);
    for (const [nth, cut] of [
      [20, () => cutAtTheEnd],
      [13, () => cutAfter(13, 'before')],
      [4, () => cutAfter(4, 'before')],
    ] as const) {
      const [schema, other, back] = [newSchema(), newFile(), newFile()];
      await expect(copy(file, schema, cut())).rejects.toThrow('cut off');
      await expect(copy(file, other, cut())).rejects.toThrow('cut off');
      await changeEverything(file.file, nth);
      await copy(file, schema);
      await copy(file, other);
      await copy(schema, back);
      expect(rowsIn(back.file)).toEqual(rowsIn(file.file));
      expect(rowsIn(other.file)).toEqual(rowsIn(file.file));
    }
  });

  test('is no mirror to anybody', async () => {
    const [file, schema, other] = [newFile(), newSchema(), newFile()];
    await mirrorWithEverything(file.file);
    await expect(copy(file, schema, cutAfter(8, 'before'))).rejects.toThrow('cut off');
    await expect(copy(file, other, cutAfter(8, 'before'))).rejects.toThrow('cut off');
    const there = targetOf(schema.url, { schema: schema.schema });
    const options = { create: true, clock: createFakeClock(), omit: new Set<never>() };
    const ways = [
      () => openStore(other.file),
      () => openMirrorReader(other.file),
      async () => openForQuery(other.file),
      () => openPostgresStore(there, options),
      () => openPostgresReader(there),
      () => copy(other, newFile()),
      () => copy(schema, newFile()),
    ];
    for (const open of ways) expect(await codeOf(open)).toBe('copy_unfinished');
  });

  test('by the end of its process goes on', async () => {
    const [file, schema, back] = [newFile(), newSchema(), newFile()];
    await mirrorWithEverything(file.file);
    for (const writes of ['5', '3']) {
      const script = join(import.meta.dirname, 'killed.ts');
      const child = spawn(process.execPath, [script, file.file, schema.url, schema.schema, writes], {
        stdio: 'inherit',
      });
      expect(await once(child, 'close')).toEqual([null, 'SIGKILL']);
    }
    await copy(fileAt(file.file), schema);
    await copy(schema, back);
    expect(rowsIn(back.file)).toEqual(rowsIn(file.file));
  });

  test('belongs to whoever goes on with it: the former writes nothing more', async () => {
    for (const to of [newSchema(), newFile()]) {
      const file = newFile();
      await mirrorWithEverything(file.file);
      const origin = await file.origin();
      const first = await to.target(origin);
      const [row = []] = (await origin.batches('sources')[Symbol.asyncIterator]().next()).value ?? [];
      const second = await to.target(origin);
      const writes = [
        () => first.write('sources', [row]),
        () => first.remove('sources', [row]),
        () => first.finish(),
      ];
      for (const write of writes) expect(await codeOf(write)).toBe('copy_taken_over');
      expect(await second.count('sources')).toBe(0);
      await copy(file, to);
      for (const write of writes) expect(await codeOf(write)).not.toBeNull();
      expect((await copy(to, newFile())).every(({ isExact }) => isExact)).toBe(true);
    }
  });
});

/** Changes a mirror with everything in it, in all ways in which rows change, come and go. */
async function changeEverything(file: string, nth: number): Promise<void> {
  const clock = createFakeClock();
  clock.advance(100 * nth * HOUR);
  const store = await openStore(file, { clock });
  const a = await store.claim(A);
  await a.commit(
    changeOf({
      tasks: [mirrorTask(`new ${nth}`), mirrorTask('task 2', 2_000, { message: `other ${nth}` })],
      rejected: [{ id: `bad ${nth}`, payload: '{}', reason: 'x', activity: null }],
      ledger: { watermark: nth, gaps: [{ lower: null, upper: nth - 1 }] },
    }),
  );
  await a.commit(changeOf({ tasks: [mirrorTask('bad \0 one')] }));
  await a.remove(['task 4']);
  await a.prune({ changesSince: null, removedSince: clock.now() }, NEVER);
  await a.release();
  await store.renameSource('b', `b${nth}`);
  const b = await store.claim({ ...B, name: `b${nth}` });
  await b.commit(changeOf({ tasks: [mirrorTask('task 6', 6_000)] }));
  await b.release();
  await store.renameSource(`b${nth}`, 'b');
  await store.renameSource('a', 'other');
  await store.renameSource('other', nth === 4 ? 'z' : 'a');
  await store.close();
  await changeHooks(file, clock, nth);
}

/** Delivers, gives up, and begins a hook; the first events that were given up are forgotten. */
async function changeHooks(file: string, clock: FakeClock, nth: number): Promise<void> {
  const hooks = await openSqliteHooks(file, { clock });
  const now = utcText(clock.now());
  await hooks.begin([`new ${nth}`], { seq: nth, rank: 0, runs: {} });
  const claim = await hooks.claim('one');
  const place = { seq: 20 + nth, rank: 0, runs: { a: 10 + nth } };
  await claim?.delivered(place, now);
  const failure = { hook: 'one', eventId: `msg_${nth}`, type: 'x', seq: nth, source: 'a', taskId: null };
  const trouble = { attempts: 1, failingSince: now, nextAttemptAt: now, lastError: `no ${nth}` };
  await claim?.setAside(place, { ...failure, givenUpAt: now, reason: 'x' }, trouble);
  await claim?.release();
  await hooks.close();
  const db = new Database(file);
  db.exec('delete from hook_failures where id in (select id from hook_failures order by id limit 2)');
  db.close();
}
