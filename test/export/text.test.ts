import { join } from 'node:path';
import { expect, it } from 'vitest';
import { UsageError } from '../../src/model/errors.ts';
import { EPOCH } from '../support/tasks.ts';
import { duck, exported, exportedMirror, sqlite } from './mirror.ts';
import { readFileSync } from 'node:fs';

const ALL = 'select * from tasks order by id';

it('CSV has every row as SQLite has it, and null is not an empty text', async () => {
  const file = await exportedMirror();
  const csv = join(file, '../tasks.csv');
  await exported(file, { output: csv });
  const { rows } = await duck(
    `select * from read_csv('${csv}', all_varchar = true, allow_quoted_nulls = false, quote = '"', escape = '"')
     order by id`,
  );
  expect(rows).toEqual(sqlite(file, ALL));
});

it('JSON lines have every row as SQLite has it, integers beyond 2^53 as text', async () => {
  const file = await exportedMirror();
  const text = await exported(file, { format: 'jsonl' });
  const rows = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, string | number | null>)
    .map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, typeof value === 'number' ? `${value}` : value]),
      ),
    );
  expect(rows.toSorted((a, b) => ((a['id'] ?? '') < (b['id'] ?? '') ? -1 : 1))).toEqual(sqlite(file, ALL));
  expect(text).toContain('"run_ms":"9007199254740993"');
});

it('goes to stdout as CSV, or to a file in the format that its name ends in', async () => {
  const file = await exportedMirror();
  const printed = await exported(file, {});
  const said = await exported(file, { output: 'tasks.CSV' });
  expect(readFileSync(join(file, '../tasks.CSV'), 'utf8')).toBe(printed);
  expect(said).toMatch(/tasks\.CSV: 260 rows, [\d,]+ bytes\n$/);
});

it('exports what a query gives', async () => {
  const file = await exportedMirror();
  const query = "select id, removed_at from tasks where id in ('awkward-3', 'open') order by id";
  expect(await exported(file, { query })).toBe('id,removed_at\nawkward-3,2026-02-02T00:00:00.000Z\nopen,\n');
});

it('takes values for the parameters of a query, and no table has any', async () => {
  const file = await exportedMirror();
  const query = 'select id from tasks where id = :id and message_count + 0 < :most';
  const param = ['id=awkward-3', 'most=100'];
  expect(await exported(file, { query, param })).toBe('id\nawkward-3\n');
  await expect(exported(file, { query, param: ['id=x'] })).rejects.toThrow('"most" has no value');
  await expect(exported(file, { query, param: [...param, 'n=1'] })).rejects.toThrow('the SQL has no "n"');
  await expect(exported(file, { what: 'tasks', param })).rejects.toThrow(UsageError);
});

it('--escape-formulas disarms texts, not numbers, and only in CSV', async () => {
  const file = await exportedMirror();
  const query =
    "select '=1+1' as a, '-x' as b, '@x' as c, -5 as d, -1.5 as e, 'a=b' as f, '' as g, null as h";
  expect(await exported(file, { query, escapeFormulas: true })).toBe(
    "a,b,c,d,e,f,g,h\n'=1+1,'-x,'@x,-5,-1.5,a=b,\"\",\n",
  );
  expect(await exported(file, { query })).toContain('\n=1+1,-x,@x,');
  await expect(exported(file, { format: 'jsonl', escapeFormulas: true })).rejects.toThrow(UsageError);
});

it('--since takes what the mirror wrote since, whenever the task was created', async () => {
  const file = await exportedMirror();
  const idsSince = async (since: string) => {
    const text = await exported(file, { since, format: 'jsonl' });
    return text.split('\n').length - 1;
  };
  // All were mirrored an hour after EPOCH, and "now" is two hours after it.
  expect(await idsSince('1h')).toBe(260);
  expect(await idsSince(new Date(EPOCH + 3_600_000).toISOString())).toBe(260);
  expect(await idsSince(new Date(EPOCH + 3_600_001).toISOString())).toBe(0);
  const runs = await exported(file, { what: 'sync_runs', since: '2026-01-01', format: 'jsonl' });
  expect(runs.split('\n')).toHaveLength(2);
});

it.each([
  [{ what: 'gaps', since: '1d' }, /--since cannot be used with gaps/],
  [{ since: 'yesterday-ish' }, /yesterday-ish/],
  [{ what: 'tasks', query: 'select 1' }, /--query/],
  [{ query: 'select 1', since: '1d' }, /--query/],
  [{ what: 'task' }, /no such table: task/],
  [{ what: 'tasks"; delete from tasks; --' }, /no such table/],
  [{ query: 'delete from tasks returning id' }, /refused/],
  [{ output: 'tasks.xlsx' }, /does not end in a known format/],
])('%j is refused as wrong use', async (flags, said) => {
  const file = await exportedMirror();
  const failure = exported(file, flags);
  await expect(failure).rejects.toThrow(UsageError);
  await expect(failure).rejects.toThrow(said);
});
