import { expect, test } from 'vitest';
import { COPIED_TABLES } from '../../../src/store/copyable.ts';
import { COPIED_COLUMNS } from '../../../src/store/sql/copied-columns.ts';
import { columnName } from '../../../src/store/sqlite/copy-rows.ts';
import { readRows } from '../../support/mirror.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, execute } from '../../support/postgres/server.ts';
import { newFile, openStore } from './kit.ts';

/** What a copy leaves out of both engines: who holds a lease, and how far an index or a clearing of fields is. */
const LEASES = ['hooks.token', 'hooks.pid', 'hooks.host', 'hooks.claimed_at', 'hooks.renewed_at'];
const PROGRESS = ['omitted_fields.through', 'search_state.built_through'];

const copiedFrom = (nameOf: (table: (typeof COPIED_TABLES)[number], name: string) => string): string[] =>
  COPIED_TABLES.flatMap((table) =>
    COPIED_COLUMNS[table].map(({ name }) => `${table}.${nameOf(table, name)}`),
  );

/** Columns that are in neither list, or in one of them and not in the mirror. */
const unknown = (columns: readonly string[], known: readonly string[]): string[] => [
  ...columns.filter((column) => !known.includes(column)),
  ...known.filter((column) => !columns.includes(column)).map((column) => `no ${column}`),
];

describeWithServer('a copy has every column of every table', () => {
  test('of a file, but for leases and what is made again', async () => {
    const { file } = newFile();
    await (await openStore(file)).close();
    const columns = readRows<{ name: string }>(
      file,
      `select t.name || '.' || c.name as name from pragma_table_list t join pragma_table_info(t.name) c
      where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite~_%' escape '~'
        and t.name not like 'kysely~_%' escape '~'`,
    );
    const left = [...LEASES, ...PROGRESS, 'sync_runs.pid', 'sync_runs.host', 'sync_runs.renewed_at'];
    const copied = copiedFrom(columnName).filter((name) => name !== 'task_changes.rowid');
    expect(
      unknown(
        columns.map(({ name }) => name),
        [...copied, ...left],
      ),
    ).toEqual([]);
  });

  test('of a schema, but for leases and what is made again', async () => {
    const mirror = await serverMirror();
    await mirror.open();
    const columns = await execute<{ name: string }>(
      mirror.url,
      `select table_name || '.' || column_name as name
      from information_schema.columns join information_schema.tables using (table_schema, table_name)
      where table_schema = $1 and table_type = 'BASE TABLE' and table_name not like 'kysely%'`,
      [mirror.schema],
    );
    const left = [
      ...LEASES,
      ...PROGRESS,
      ...['source', 'token', 'pid', 'host', 'acquired_at', 'renewed_at', 'writes'].map(
        (name) => `leases.${name}`,
      ),
      'reader_state.vacuumed_at',
      'tasks.row_no',
      'tasks.username_key',
      'tasks.session_key',
    ];
    const copied = copiedFrom((_, name) => name);
    expect(
      unknown(
        columns.map(({ name }) => name),
        [...copied, ...left],
      ),
    ).toEqual([]);
  });
});
