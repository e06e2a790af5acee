import { join } from 'node:path';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { copyMirror, type TableCopy } from '../../../src/copy/copy.ts';
import { TaskmirrorError } from '../../../src/model/errors.ts';
import { LAST_RANK } from '../../../src/model/hook.ts';
import { type OmittableField, utcText } from '../../../src/model/task.ts';
import { COPIED_TABLES, type CopyOrigin, type CopyTarget } from '../../../src/store/copyable.ts';
import { openCopyOrigin as originInPostgres } from '../../../src/store/postgres/copy-origin.ts';
import { openCopyTarget as targetInPostgres } from '../../../src/store/postgres/copy-target.ts';
import { openCopyOrigin as originInFile } from '../../../src/store/sqlite/copy-origin.ts';
import { openCopyTarget as targetInFile } from '../../../src/store/sqlite/copy-target.ts';
import { openSqliteHooks } from '../../../src/store/sqlite/hooks.ts';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import type { MirrorStore } from '../../../src/store/store.ts';
import { A, B, changeOf, HOUR, mirrorTask, NEVER, RECORD } from '../../contracts/mirror-store/kit.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { readRows, temporaryFolder } from '../../support/mirror.ts';
import { targetOf, temporarySchema } from '../../support/postgres/server.ts';
import { EPOCH, runningTask } from '../../support/tasks.ts';

/** A place for a mirror, in a file or in a schema. */
export interface Place {
  origin(): Promise<CopyOrigin>;
  target(origin: CopyOrigin): Promise<CopyTarget>;
}

/** Rows of a batch in these tests, so that a few rows make several. */
const BATCH_ROWS = 3;

export function fileAt(file: string, batchRows = BATCH_ROWS): Place & { file: string } {
  return {
    file,
    origin: () => closedAfterTest(originInFile(file, { batchRows })),
    target: (origin) => closedAfterTest(targetInFile(file, origin.name, { batchRows })),
  };
}

export function newFile(batchRows = BATCH_ROWS): Place & { file: string } {
  return fileAt(join(temporaryFolder(), 'mirror.db'), batchRows);
}

export function newSchema(batchRows = BATCH_ROWS): Place & { url: string; schema: string } {
  const { url, schema } = temporarySchema();
  return schemaAt(url, schema, batchRows);
}

export function schemaAt(
  url: string,
  schema: string,
  batchRows = BATCH_ROWS,
): Place & { url: string; schema: string } {
  const place = targetOf(url, { schema });
  const options = { batchRows, clock: createFakeClock() };
  return {
    url,
    schema,
    origin: () => closedAfterTest(originInPostgres(place, options)),
    target: (origin) => closedAfterTest(targetInPostgres(place, origin.name, options)),
  };
}

async function closedAfterTest<T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> {
  const opened = await opening;
  onTestFinished(() => opened.close());
  return opened;
}

/** Copies one place to another, and closes both. `cut` may wrap the target. */
export async function copy(
  from: Place,
  to: Place,
  cut: (target: CopyTarget) => CopyTarget = (target) => target,
): Promise<TableCopy[]> {
  const origin = await from.origin();
  try {
    const target = await to.target(origin);
    try {
      return await copyMirror(origin, cut(target), { signal: NEVER });
    } finally {
      await target.close();
    }
  } finally {
    await origin.close();
  }
}

/** Every row that is copied of a mirror in a file, as SQLite has it, by table. */
export function rowsIn(file: string): Record<string, unknown[]> {
  return Object.fromEntries(
    COPIED_TABLES.map((table) => {
      const columns = table === 'task_changes' ? 'rowid, *' : '*';
      return [table, readRows(file, `select ${columns} from ${table}`).map(sortable).toSorted()];
    }),
  );
}

const sortable = (row: unknown): string => JSON.stringify(row);

export async function openStore(
  file: string,
  { clock = createFakeClock(), omit = [] }: { clock?: FakeClock; omit?: readonly OmittableField[] } = {},
): Promise<MirrorStore> {
  const store = await openMirrorStore(file, { create: true, clock, omit: new Set(omit) });
  onTestFinished(() => store.close());
  return store;
}

/** Values that a conversion could lose. */
const ODD = mirrorTask('odd \0 ␀ ␛ é 𝔘', 5, {
  username: null,
  message: 'a NUL \0, its picture ␀, and ␛␀ an escape; half a pair \ud83d; \u202e; a tab\t and \r\n',
  systemPrompt: '',
  showInHistory: false,
  env: '{"b": 1, "a": 123456789012345678901234567890, "a": 1.0e-7, "half": "\\ud83d", "nul": "\\u0000"}',
  extra: '{"long":0.1000000000000000055511151231257827,"picture":"␀"}',
  error: "cannot open '/tmp/x': errno 2\0",
});

/** Makes a mirror in a file with something in every table that is copied, and in every column. */
export async function mirrorWithEverything(file: string): Promise<void> {
  const clock = createFakeClock();
  const store = await openStore(file, { clock });
  const a = await store.claim(A);
  const runId = await a.startRun('backfill');
  const tasks = Array.from({ length: 7 }, (_, n) => mirrorTask(`task ${n}`, n * 1_000));
  await a.commit(
    changeOf({
      tasks: [...tasks, ODD, { ...runningTask('open', EPOCH), env: '{}', extra: null }],
      rejected: [
        { id: 'bad \0 one', payload: '{"id":"bad"}', reason: 'status: \0', activity: EPOCH - 3 },
        { id: null, payload: '[1,2]', reason: 'expected an object', activity: null },
      ],
      ledger: {
        watermark: EPOCH,
        gaps: [
          { lower: EPOCH - HOUR, upper: EPOCH - 60_000 },
          { lower: null, upper: EPOCH - 9 * HOUR },
        ],
      },
      total: 12,
      learnedOverlapMs: 2_500,
      surplus: -1,
    }),
  );
  await a.finishRun(runId, { ...RECORD, error: 'half done \0' });
  clock.advance(HOUR);
  await a.commit(changeOf({ tasks: [mirrorTask('task 5', 5_000, { message: 'other', status: 'failed' })] }));
  const beforeTheRest = clock.now() + 1;
  clock.advance(HOUR);
  await a.prune({ changesSince: beforeTheRest, removedSince: null }, NEVER);
  await a.commit(changeOf({ tasks: [{ ...ODD, message: null, showInHistory: true, status: 'failed' }] }));
  await a.remove(['task 3']);
  await a.release();

  const b = await store.claim(B);
  await b.commit(changeOf({ tasks: [mirrorTask('task 1', 1_000), mirrorTask('task of b')] }));
  await b.remove(['task of b']);
  await b.finishRun(await b.startRun('reconcile'), { ...RECORD, verdict: 'repaired' });
  await b.release();
  await store.close();
  await hooksWithEverything(file, clock);
  // As it is once the field was cleared.
  const db = new Database(file);
  db.exec(`insert into omitted_fields (field, stage, through) values ('systemPrompt', 'cleared', 0)`);
  db.close();
}

/** Hooks that were told something, that fail, are told again, or have given events up. */
async function hooksWithEverything(file: string, clock: FakeClock): Promise<void> {
  const hooks = await openSqliteHooks(file, { clock });
  await hooks.begin(['one', 'other', 'new', 'replayed'], { seq: 2, rank: LAST_RANK, runs: {} });
  const [now, place] = [utcText(clock.now()), { seq: 5, rank: 1, runs: { a: 1, b: 2 } }];
  const trouble = { attempts: 2, failingSince: now, nextAttemptAt: now, lastError: 'answered 500 \0 ␀' };
  const failure = {
    type: 'task.odd \0',
    seq: 4,
    source: 'a',
    taskId: 'odd \0',
    givenUpAt: now,
    reason: 'no \0',
  };
  for (const hook of ['one', 'other']) {
    const claim = await hooks.claim(hook);
    await claim?.delivered(place, now);
    for (let n = 1; n <= 4; n += 1) {
      const eventId = `msg_${hook}_${n}`;
      await claim?.setAside({ ...place, seq: 5 + n }, { ...failure, hook, eventId }, trouble);
    }
    await claim?.failed(trouble);
    await claim?.beginDigest(8);
    await claim?.release();
  }
  const ofSource = { ...failure, hook: 'new', eventId: 'msg_new', seq: null, taskId: null };
  const claim = await hooks.claim('new');
  await claim?.setAside(place, ofSource, trouble);
  await claim?.release();
  await hooks.replay('replayed', 1, 4);
  await hooks.close();
}

/** The code of the error that ends some work; null: it came to its end. */
export async function codeOf(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return error instanceof TaskmirrorError ? error.code : String(error);
  }
}
