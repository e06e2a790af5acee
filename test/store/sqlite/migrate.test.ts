import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { describe, expect, onTestFinished, test } from 'vitest';
import { migrations } from '../../../migrations/sqlite/index.ts';
import { DatabaseError } from '../../../src/model/errors.ts';
import { foldError } from '../../../src/store/sql/error-group.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from '../../../src/store/sqlite/identity.ts';
import { openDatabase } from '../../../src/store/sqlite/open.ts';
import { readRows, temporaryFolder } from '../../support/mirror.ts';
import { toldBy } from '../../support/told.ts';

/** All objects of a database but SQLite's own, with what made them. */
const schemaOf = (file: string): unknown[] =>
  readRows(file, "select type, name, sql from sqlite_schema where name not like 'sqlite_%' order by name");

async function makeMirror(file: string): Promise<void> {
  (await openDatabase(file, { create: true })).close();
}

/** A new file as the program of this many migrations made it. */
async function mirrorOfVersion(version: number, file: string): Promise<Database.Database> {
  const db = new Database(file);
  db.function('fold_error', foldError);
  const known = await Promise.all(
    Object.entries(migrations)
      .slice(0, version)
      .map(async ([name, load]) => [name, await load()] as const),
  );
  const migrator = new Migrator({
    db: new Kysely<unknown>({ dialect: new SqliteDialect({ database: db }) }),
    provider: { getMigrations: () => Promise.resolve(Object.fromEntries(known)) },
  });
  expect((await migrator.migrateToLatest()).error).toBeUndefined();
  db.pragma(`application_id = ${APPLICATION_ID}`);
  db.pragma(`user_version = ${version}`);
  return db;
}

const day = (nth: number): string => `'2026-01-0${nth}T00:00:00.000Z'`;

/** A process that opens the file as soon as it is told to, and says how that went. */
function opener(file: string): { ready: Promise<unknown>; go: () => void; said: Promise<string> } {
  const module = pathToFileURL(join(import.meta.dirname, '../../../src/store/sqlite/open.ts')).href;
  const script = `
    import { once } from 'node:events';
    import { openDatabase } from ${JSON.stringify(module)};
    await import(${JSON.stringify(new URL('migrate.ts', module).href)});
    console.log('ready');
    await once(process.stdin, 'data');
    const db = await openDatabase(${JSON.stringify(file)}, { create: true });
    console.log(db.prepare('select count(*) from mirror_status').pluck().get());
    db.close();
    process.stdin.destroy();`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { timeout: 20_000 });
  onTestFinished(() => void child.kill('SIGKILL'));
  // One that has died already shows in what it said.
  child.stdin.on('error', () => {});
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  }
  return {
    ready: Promise.race([once(createInterface({ input: child.stdout }), 'line'), once(child, 'close')]),
    go: () => void child.stdin.write('go\n'),
    said: once(child, 'close').then(() => said),
  };
}

describe('migrating', () => {
  test('marks the file as a mirror of this version', async () => {
    const file = join(temporaryFolder(), 'mirror.db');
    await makeMirror(file);
    const db = new Database(file, { readonly: true });
    onTestFinished(() => void db.close());
    expect(db.pragma('application_id', { simple: true })).toBe(APPLICATION_ID);
    expect(db.pragma('user_version', { simple: true })).toBe(SCHEMA_VERSION);
  });

  test('happens once: a mirror that is opened again stays as it is', async () => {
    const file = join(temporaryFolder(), 'mirror.db');
    await makeMirror(file);
    const before = [schemaOf(file), readRows(file, 'select * from kysely_migration')];
    await makeMirror(file);
    expect([schemaOf(file), readRows(file, 'select * from kysely_migration')]).toEqual(before);
  });

  test('works from several processes that open the same new file at once', async () => {
    for (let round = 0; round < 3; round += 1) {
      const file = join(temporaryFolder(), 'mirror.db');
      const openers = [opener(file), opener(file), opener(file)];
      await Promise.all(openers.map(({ ready }) => ready));
      for (const { go } of openers) go();
      expect(await Promise.all(openers.map(({ said }) => said))).toEqual(Array(3).fill('ready\n0\n'));
      expect(readRows(file, 'select name from kysely_migration')).toHaveLength(SCHEMA_VERSION);
    }
  });

  test('a mirror of the first version gives it the error groups of what it holds, and the views', async () => {
    const file = join(temporaryFolder(), 'mirror.db');
    await makeMirror(file);
    const fresh = schemaOf(file);
    const old = join(temporaryFolder(), 'old.db');
    const db = await mirrorOfVersion(1, old);
    db.exec(`insert into sources (name, base_url, registered_at) values ('a', 'https://a.example', '2026-01-01T00:00:00.000Z');
      insert into tasks (id, source, status, error, show_in_history, auto_execute, created_at, last_activity_at,
        message_count, first_seen_at, changed_at)
      select value, 'a', 'failed', value, 1, 1, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 0,
        '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'
      from json_each('["gave up after 3 tries", "gave up after 44 tries", " "]');
      update tasks set error = null where id = ' '`);
    db.close();
    await makeMirror(old);
    expect(readRows(old, 'select error, error_group from tasks order by id')).toEqual([
      { error: null, error_group: null },
      { error: 'gave up after 3 tries', error_group: 'gave up after <n> tries' },
      { error: 'gave up after 44 tries', error_group: 'gave up after <n> tries' },
    ]);
    expect(schemaOf(old)).toEqual(fresh);
  });

  test('a mirror of the third version keeps its runs under their ids, and the leases that are held', async () => {
    const file = join(temporaryFolder(), 'mirror.db');
    await makeMirror(file);
    const fresh = schemaOf(file);
    const old = join(temporaryFolder(), 'old.db');
    const db = await mirrorOfVersion(3, old);
    db.exec(`insert into sources (name, base_url, registered_at)
        select value, 'https://a.example', '2026-01-01' from json_each('["under way", "preparing", "at rest"]');
      insert into sync_runs (id, source, kind, started_at, finished_at, outcome, requests, error) values
        (7, 'under way', 'reconcile', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:09.000Z', 'failed', 3, 'why'),
        (8, 'preparing', 'backfill', '2026-01-02T00:00:00.000Z', '2026-01-02T00:00:09.000Z', 'ok', 4, null),
        (9, 'at rest', 'incremental', '2026-01-03T00:00:00.000Z', '2026-01-03T00:00:09.000Z', 'ok', 5, null),
        (11, 'under way', 'incremental', '2026-01-04T00:00:00.000Z', null, null, 0, null);
      insert into leases values
        ('under way', 'x', 100, 'here', '2026-01-04T00:00:00.000Z', '2026-01-04T00:01:00.000Z'),
        ('preparing', 'y', 200, 'there', '2026-01-02T00:00:00.000Z', '2026-01-02T00:01:00.000Z');`);
    const runs = 'select id, source, kind, started_at, finished_at, outcome, requests, error from sync_runs';
    const before = readRows(old, runs);
    db.close();
    await makeMirror(old);
    expect(readRows(old, runs)).toEqual(before);
    expect(
      readRows(old, 'select source, pid, host, acquired_at, renewed_at from leases order by source'),
    ).toEqual([
      {
        source: 'preparing',
        pid: 200,
        host: 'there',
        acquired_at: '2026-01-02T00:00:00.000Z',
        renewed_at: '2026-01-02T00:01:00.000Z',
      },
      {
        source: 'under way',
        pid: 100,
        host: 'here',
        acquired_at: '2026-01-04T00:00:00.000Z',
        renewed_at: '2026-01-04T00:01:00.000Z',
      },
    ]);
    expect(readRows(old, 'select source, last_run_outcome from mirror_status order by source')).toEqual([
      { source: 'at rest', last_run_outcome: 'ok' },
      { source: 'preparing', last_run_outcome: 'ok' },
      { source: 'under way', last_run_outcome: null },
    ]);
    expect(schemaOf(old)).toEqual(fresh);
  });

  test('a mirror of the sixth version numbers what it holds in the order of time, and goes on from there', async () => {
    const file = join(temporaryFolder(), 'mirror.db');
    await makeMirror(file);
    const fresh = schemaOf(file);
    const old = join(temporaryFolder(), 'old.db');
    const db = await mirrorOfVersion(6, old);
    db.exec(`insert into sources (name, base_url, registered_at) values ('a', 'https://a.example', ${day(1)});
      insert into tasks (id, source, status, show_in_history, auto_execute, created_at, last_activity_at, message_count,
        first_seen_at, changed_at)
      select id, 'a', 'running', 1, 1, ${day(1)}, ${day(1)}, 0, first_seen_at, changed_at from (
        select 'changed' as id, ${day(1)} as first_seen_at, ${day(5)} as changed_at
        union all select 'still', ${day(1)}, ${day(1)}
        union all select 'pruned', ${day(2)}, ${day(4)}
        union all select 'later', ${day(3)}, ${day(3)}
      );
      insert into task_changes (task_id, field, old_value, new_value, observed_at) values
        ('changed', 'status', 'pending', 'running', ${day(3)}),
        ('changed', 'message_count', '0', '1', ${day(3)}),
        ('changed', 'message_count', '1', '2', ${day(5)});`);
    db.close();
    await makeMirror(old);
    expect(readRows(old, 'select id, added_seq, seq from tasks order by seq')).toEqual([
      { id: 'still', added_seq: 2, seq: 2 },
      { id: 'later', added_seq: 5, seq: 5 },
      { id: 'pruned', added_seq: 3, seq: 6 },
      { id: 'changed', added_seq: 1, seq: 7 },
    ]);
    expect(readRows(old, 'select observed_at, seq from task_changes order by rowid')).toEqual([
      { observed_at: '2026-01-03T00:00:00.000Z', seq: 4 },
      { observed_at: '2026-01-03T00:00:00.000Z', seq: 4 },
      { observed_at: '2026-01-05T00:00:00.000Z', seq: 7 },
    ]);
    expect(readRows(old, 'select seq from feed_state')).toEqual([{ seq: 7 }]);
    expect(schemaOf(old)).toEqual(fresh);
  });

  test('that fails in its middle leaves nothing behind, says which file, and works once the cause is gone', async () => {
    const file = join(temporaryFolder(), 'mirror.db');
    const db = new Database(file);
    // A mirror that nothing has been done to yet, with something in the way of the migration's later statements.
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.exec('create table sync_runs (in_the_way)');
    db.close();
    const before = schemaOf(file);

    const failure = openDatabase(file, { create: true });
    await expect(failure).rejects.toBeInstanceOf(DatabaseError);
    expect(await toldBy(failure)).toMatchObject({ exitCode: 10, message: expect.stringContaining(file) });
    expect(schemaOf(file)).toEqual(before);

    const again = new Database(file);
    again.exec('drop table sync_runs');
    again.close();
    await makeMirror(file);
    expect(schemaOf(file).length).toBeGreaterThan(10);
  });
});

// The contract with whoever puts SQL to the mirror (docs/schema.md): a column may be added, and none goes.
describe('tables and views', () => {
  const columns = {
    tasks:
      'id, source, api_key_id, username, session_id, conversation_id, status, message, system_prompt, show_in_history, auto_execute, env, error, created_at, started_at, completed_at, last_activity_at, message_count, extra, queue_ms, run_ms, first_seen_at, changed_at, removed_at, error_group, seq, added_seq',
    task_changes: 'task_id, field, old_value, new_value, observed_at, seq',
    sources: 'name, base_url, watermark, api_total, learned_overlap_ms, total_surplus, registered_at',
    gaps: 'source, lower, upper',
    leases: 'source, token, pid, host, acquired_at, renewed_at',
    rejected_rows:
      'source, row_key, task_id, payload, reason, first_rejected_at, last_rejected_at, last_activity_at',
    sync_runs:
      'id, source, kind, started_at, finished_at, outcome, verdict, requests, rows_seen, inserted, updated, unchanged, removed, rejected, error, pid, host, renewed_at',
    search_state: 'built_through',
    feed_state: 'seq',
    hooks:
      'name, seq, rank, run_ids, replay_through, digest_through, attempts, failing_since, next_attempt_at, last_error, last_delivery_at, delivered, failed, set_aside, token, pid, host, claimed_at, renewed_at',
    hook_failures: 'id, hook, event_id, type, seq, source, task_id, given_up_at, reason',
    omitted_fields: 'field, stage, through',
    retention_state: 'changes_through, changes_rowid, removed_through',
    also_shown: 'task_id, source',
    mirror_status:
      'source, base_url, complete_through, watermark, gaps, live_rows, api_total, learned_overlap_ms, open_tasks, rejected_rows, removed_rows, last_run_at, last_run_kind, last_run_outcome, last_success_at, last_clean_full_at, shared_rows',
    tasks_by_day: 'day, tasks, open, completed, failed, cancelled, success_rate',
    tasks_by_hour: 'weekday, hour, tasks, open, completed, failed, cancelled, success_rate',
    tasks_by_user:
      'username, tasks, open, completed, failed, cancelled, success_rate, run_ms, first_created_at, last_created_at',
    tasks_by_api_key:
      'api_key_id, tasks, open, completed, failed, cancelled, success_rate, run_ms, first_created_at, last_created_at',
    tasks_by_session:
      'session_id, username, tasks, open, completed, failed, cancelled, success_rate, run_ms, first_created_at, last_created_at',
    tasks_by_conversation:
      'conversation_id, username, tasks, open, completed, failed, cancelled, success_rate, run_ms, first_created_at, last_created_at, messages',
    latency_by_day:
      'day, started, queue_p50_ms, queue_p95_ms, queue_p99_ms, finished, run_p50_ms, run_p95_ms, run_p99_ms',
    latency_by_status:
      'status, started, queue_p50_ms, queue_p95_ms, queue_p99_ms, finished, run_p50_ms, run_p95_ms, run_p99_ms',
    failures_by_error:
      'error_group, failures, users, first_created_at, last_created_at, last_task_id, last_username, last_error',
    status_history: 'task_id, status, since, until, duration_ms',
    open_tasks:
      'id, source, username, status, created_at, started_at, age_ms, status_since, status_age_ms, message',
    slowest_tasks: 'id, source, username, status, created_at, queue_ms, run_ms, message',
  };

  test('are these and no others', async () => {
    const file = join(temporaryFolder(), 'mirror.db');
    await makeMirror(file);
    const names = readRows<{ name: string }>(
      file,
      `select name from sqlite_schema where type in ('table', 'view')
        and name not like 'sqlite_%' and name not like 'kysely_%' order by name`,
    );
    expect(names.map(({ name }) => name)).toEqual(Object.keys(columns).toSorted());
  });

  test.each(Object.entries(columns))('%s has its documented columns, in order', async (table, expected) => {
    const file = join(temporaryFolder(), 'mirror.db');
    await makeMirror(file);
    const rows = readRows<{ name: string }>(file, `select name from pragma_table_info('${table}')`);
    expect(rows.map(({ name }) => name).join(', ')).toBe(expected);
  });
});
