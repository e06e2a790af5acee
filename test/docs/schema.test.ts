import { describe, expect, test } from 'vitest';
import { readRows } from '../support/mirror.ts';
import { syncBench } from '../support/sync.ts';
import { codeIn, pageOf, readPages, tableIn } from './page.ts';

interface Column {
  table: string;
  kind: string;
  name: string;
  type: string;
  required: number;
}

describe('docs/schema.md', () => {
  test('has the columns of a fresh mirror, with type and nullability, and no others', async () => {
    const { file } = await syncBench();
    const page = pageOf(readPages(), 'schema');
    const tables = Map.groupBy(columnsOf(file), ({ table }) => table);
    const sections = page.section('Tables') + page.section('Views');
    const titles = [...sections.matchAll(/^### `(\w+)`$/gm)].map(([, title = '']) => title);
    expect(titles.toSorted()).toEqual([...tables.keys()]);
    for (const [table, real] of tables) {
      const documented = tableIn(page.section(table)).map(([name, type, nullable]) => ({
        table,
        name: codeIn(name)[0],
        type,
        required: nullable === 'never',
      }));
      // A view declares neither what is null nor the types of what it computes.
      const isView = real[0]?.kind === 'view';
      const expected = real.map(({ name, type, required }, index) => ({
        table,
        name,
        type: isView ? documented[index]?.type : type,
        required: isView ? documented[index]?.required : required === 1,
      }));
      expect(documented).toEqual(expected);
    }
  });
});

/** The columns of every table and view of a mirror that users may rely on. */
function columnsOf(file: string): Column[] {
  return readRows<Column>(
    file,
    `select t.name as "table", t.type as kind, c.name, c.type, c."notnull" or c.pk as required
     from pragma_table_list t join pragma_table_info(t.name) c
     where t.schema = 'main' and t.name not like 'sqlite~_%' escape '~' and t.name not like 'kysely~_%' escape '~'
     order by t.name, c.cid`,
  );
}
