/**
 * Puts a list into an empty mirror, and prints the CPU time that this took, in us:
 * `node ingest.ts store|text <tasks> <file> [sql]` through the store, from tasks or the text of API pages;
 * `node ingest.ts bare <mirror> <file>` by a bare prepared upsert, from the rows of a mirror.
 * `sql` is run on the empty mirror first. The input is prepared before the measure begins.
 */
import { createBodyParser } from '../../src/source/http/wire.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { MirrorClaim } from '../../src/store/store.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { openReadOnly } from '../../src/store/sqlite/readonly.ts';
import { openMirrorStore } from '../../src/store/sqlite/store.ts';
import { activityOf, type Task } from '../../src/model/task.ts';
import { tasksAtRest } from '../list.ts';

/** All of them use the same size, so it does not matter. */
const ROWS_A_TRANSACTION = 1_000;
const ROWS_A_PAGE = 100;
const SOURCE = { name: 'default', baseUrl: 'http://127.0.0.1:1' };

const [, , how, from = '', file = '', sql] = process.argv;
const cpuUs =
  how === 'bare' ? await ingestBare(from, file) : await ingest(Number(from), file, how === 'text');
process.stdout.write(JSON.stringify({ cpuUs }));

/** Ingests through the store, as a backfill does. */
async function ingest(count: number, path: string, fromText: boolean): Promise<number> {
  const texts = slices(tasksAtRest(count), ROWS_A_PAGE).map((data) =>
    JSON.stringify({ success: true, data, pagination: { hasMore: true, total: count } }),
  );
  const parser = createBodyParser(new Set());
  const read = (page: string): Task[] => parser.list(page).rows.flatMap(({ task }) => task ?? []);
  const ready = fromText ? [] : texts.map(read);
  const pages = texts.map((text, at) => () => ready[at] ?? read(text));

  if (sql !== undefined) {
    const db = await openDatabase(path, { create: true });
    db.exec(sql);
    db.close();
  }
  const store = await openMirrorStore(path, { create: true, clock: systemClock, omit: new Set() });
  const claim = await store.claim(SOURCE);
  return cpuOf(async () => {
    for (const batch of slices(pages, ROWS_A_TRANSACTION / ROWS_A_PAGE)) {
      await commit(
        claim,
        batch.flatMap((page) => page()),
      );
    }
    await store.close();
  });
}

async function commit(claim: MirrorClaim, tasks: Task[]): Promise<void> {
  const [first, last] = [tasks.at(0), tasks.at(-1)];
  if (first === undefined || last === undefined) return;
  // A ledger moves with every commit of a backfill, too.
  const ledger = { watermark: activityOf(first), gaps: [{ lower: null, upper: activityOf(last) }] };
  await claim.commit({ tasks, rejected: [], ledger });
}

async function ingestBare(mirror: string, path: string): Promise<number> {
  const rows = openReadOnly(mirror).prepare('select * from tasks order by last_activity_at desc').raw();
  const columns = rows.columns().map(({ name }) => name);
  const batches = slices(rows.all() as unknown[][], ROWS_A_TRANSACTION);

  const db = await openDatabase(path, { create: true });
  db.prepare('insert into sources (name, base_url, registered_at) values (?, ?, ?)').run(
    SOURCE.name,
    SOURCE.baseUrl,
    '',
  );
  const upsert = db.prepare(
    `insert into tasks (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})
     on conflict (id) do update set ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}`,
  );
  const write = db.transaction((batch: unknown[][]) => {
    for (const row of batch) upsert.run(row);
  });
  return cpuOf(async () => {
    for (const batch of batches) write.immediate(batch);
    db.close();
  });
}

async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function slices<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, nth) =>
    items.slice(nth * size, (nth + 1) * size),
  );
}
