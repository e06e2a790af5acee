import { beforeAll, expect, test } from 'vitest';
import { generateTasks } from '../../../src/source/simulated/generate.ts';
import { SimulatedList } from '../../../src/source/simulated/list.ts';
import { openQueryable } from '../../../src/store/postgres/queryable.ts';
import { runBench } from '../../support/postgres/run.ts';
import { describeWithOwnServer, execute, ownServer, targetOf } from '../../support/postgres/server.ts';
import { EPOCH } from '../../support/tasks.ts';
import { pageOf, readPages } from '../page.ts';

const page = pageOf(readPages(), 'postgresql');

/** The statements of a section, without the names and comments of psql. */
function statementsIn(title: string): string[] {
  const [, block = ''] = /^```psql\n(.*?)^```$/ms.exec(page.section(title)) ?? [];
  return block
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

describeWithOwnServer('the SQL of docs/postgresql.md', () => {
  let asSuperuser: string;
  let asOwner: string;
  let asReader: string;
  beforeAll(async () => {
    const server = await ownServer();
    await execute(server.url, 'create role taskmirror login');
    await execute(server.url, `create database tasks owner taskmirror encoding 'UTF8' template template0`);
    const at = (role: string): string =>
      server.url.replace('postgres@', `${role}@`).replace(/\/postgres$/, '/tasks');
    [asSuperuser, asOwner, asReader] = [at('postgres'), at('taskmirror'), at('analyst')];
    const list = new SimulatedList(generateTasks({ count: 250, seed: 3, now: EPOCH }));
    const bench = runBench({ url: asOwner, schema: 'taskmirror' });
    await bench.sync(list);
    for (const statement of statementsIn('Roles')) await execute(asSuperuser, statement);
    // Makes the indexes, one of which is a table that the reader has to be able to read as well.
    await bench.sync(list);
  });

  test('makes a role that reads all of the mirror, by plain names, and writes nothing', async () => {
    expect(statementsIn('Roles').length).toBeGreaterThan(3);
    const [counted] = await execute(
      asReader,
      'select count(*)::int as n from tasks join task_search on task_id = id',
    );
    expect(counted).toEqual({ n: 250 });
    for (const sql of ['delete from tasks', 'create table t ()', 'create schema s']) {
      await expect(execute(asReader, sql)).rejects.toThrow(/permission denied|must be owner|no schema/);
    }
  });

  test('asks what it says, as the role that reads', async () => {
    const mirror = await openQueryable(targetOf(asReader));
    const asked = statementsIn('SQL');
    expect(asked.length).toBeGreaterThan(2);
    for (const sql of asked) {
      const { columns, batches } = await mirror.run(sql);
      for await (const batch of batches) expect(batch[0]).toHaveLength(columns.length);
    }
    await mirror.close();
  });

  test('is written for PostgreSQL where SQLite has another way', async () => {
    const rows = page.section('SQL').matchAll(/^\| `[^|]+\| `([^`]+)`/gm);
    const forms = [...rows].map(([, form = '']) => form).filter((form) => form !== 'ilike');
    expect(forms.length).toBeGreaterThan(4);
    const mirror = await openQueryable(targetOf(asReader));
    for (const form of forms) {
      const sql = form.startsWith('json_each')
        ? `select v.key, v.value from tasks t, ${form} v`
        : `select ${form} from ${form.startsWith('words') ? 'task_search' : 'tasks'}`;
      await expect(mirror.run(sql)).resolves.toBeDefined();
    }
    await mirror.close();
  });
});
