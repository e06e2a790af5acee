import Database from 'better-sqlite3';
import { expect, test, vi } from 'vitest';
import { SimulatedList } from '../../src/demo/list.ts';
import { syncBench } from '../support/sync.ts';
import { completedTask, EPOCH } from '../support/tasks.ts';

test('a run that finds nothing takes as long in a large mirror: it reads tasks by id, and else only the open ones', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(Array.from({ length: 150 }, (_, i) => completedTask(`t${i}`, EPOCH - i)));
  await bench.sync(list);

  const prepare = vi.spyOn(Database.prototype, 'prepare');
  const { report } = await bench.sync(list);
  const statements = [...new Set(prepare.mock.calls.map(([sql]) => sql))];
  prepare.mockRestore();
  expect(report).toMatchObject({ outcome: 'ok', inserted: 0, updated: 0, requests: 1 });

  const plans = plansOf(bench.file, statements);
  const onTasks = plans.filter((step) => /\b(tasks|above)\b/.test(step));
  expect(onTasks.length).toBeGreaterThan(0);
  expect(
    onTasks.filter((step) => !/ USING INDEX (sqlite_autoindex_tasks_1|tasks_open) \(/.test(step)),
  ).toEqual([]);
  // None grows with the tasks: a select of no table, the names of tables and indexes, and the one row of how far the text index is.
  const small = ['SCAN CONSTANT ROW', 'SCAN sqlite_schema', 'SCAN search_state'];
  expect(plans.filter((step) => step.startsWith('SCAN') && !small.includes(step))).toEqual([]);
});

/** The steps by which SQLite would run these statements. */
function plansOf(file: string, statements: readonly string[]): string[] {
  const db = new Database(file, { readonly: true });
  try {
    return statements
      .filter((sql) => /^(select|insert|update|delete|replace|with)\b/i.test(sql))
      .flatMap((sql) =>
        db
          .prepare<unknown[], { detail: string }>(`explain query plan ${sql}`)
          .all(...Array.from(sql.matchAll(/\?/g), () => null)),
      )
      .map(({ detail }) => detail);
  } finally {
    db.close();
  }
}
