import { expect, test } from 'vitest';
import { type Field, FIELDS, SENT_FIELDS } from '../../src/model/fields.ts';
import { createBodyParser } from '../../src/source/http/wire.ts';
import { changeOf, mirrorTask } from '../contracts/mirror-store.ts';
import { wireTask } from '../contracts/task-source.ts';
import { readRows } from '../support/mirror.ts';
import { syncBench } from '../support/sync.ts';

const fields: readonly Field[] = FIELDS;
const isNullable = ({ optional, omittable }: Field): boolean => optional === true || omittable === true;
const TYPES = { boolean: 'INTEGER', count: 'INTEGER' } as const;

const parser = createBodyParser(new Set());
const listed = (row: object) =>
  parser.list(JSON.stringify({ success: true, data: [row], pagination: { hasMore: false } })).rows[0];
const detailed = (row: object) => parser.detail(JSON.stringify({ success: true, data: row }));

test('the table of tasks has a column for each field, of its type, and nullable if the field may be missing', async () => {
  const { file } = await syncBench();
  const columns = readRows<{ name: string; type: string; required: number }>(
    file,
    `select name, type, "notnull" or pk as required from pragma_table_info('tasks')`,
  );
  const named = new Set(fields.map(({ column }) => column));
  expect(columns.filter(({ name }) => named.has(name))).toEqual(
    fields.map((field) => ({
      name: field.column,
      type: (TYPES as Record<string, string>)[field.kind] ?? 'TEXT',
      required: isNullable(field) ? 0 : 1,
    })),
  );
});

test('the API sends these fields, and no others', () => {
  expect(SENT_FIELDS.map(({ name }) => name).toSorted()).toEqual(Object.keys(wireTask(0)).toSorted());
});

test('a task of the list has every field, in the order of the columns', () => {
  const { task } = listed({ ...wireTask(0), more: 1 }) ?? {};
  expect(Object.keys(task ?? {})).toEqual(fields.map(({ name }) => name));
  expect(task?.extra).toBe('{"more":1}');
});

test('GET gives all but what only the list reports', () => {
  const names = fields.flatMap(({ name, listOnly }) => (listOnly === true ? [] : [name]));
  const row = Object.fromEntries(Object.entries(wireTask(0)).filter(([name]) => names.includes(name)));
  expect(Object.keys(detailed(row))).toEqual(names);
});

const optional = SENT_FIELDS.filter((field) => 'optional' in field);
const required = SENT_FIELDS.filter((field) => !('optional' in field));
const without = (name: string) =>
  listed(Object.fromEntries(Object.entries(wireTask(0)).filter(([key]) => key !== name)));

test.each(optional)('a row without $name is a task with null for it', ({ name }) => {
  expect(without(name)?.task?.[name]).toBeNull();
});

test.each(required)('a row without $name is rejected', ({ name }) => {
  expect(without(name)?.rejected?.reason).toMatch(new RegExp(`^${name}: `));
});

test.each(fields)('a change of $name is journaled by its column, unless it is fixed', async (field) => {
  const { file, store } = await syncBench();
  const claim = await store.claim({ name: 'default', baseUrl: 'https://a.example' });
  const before = mirrorTask('x');
  await claim.commit(changeOf({ tasks: [before] }));
  const values = { boolean: false, count: 7, json: '{}', extra: '{"a":1}' } as Record<string, unknown>;
  const changed = { ...before, [field.name]: values[field.kind] ?? '2026-02-01T00:00:00.001Z' };
  await claim.commit(changeOf({ tasks: [changed] }));
  expect(readRows(file, 'select field from task_changes')).toEqual(
    field.fixed === true ? [] : [{ field: field.column }],
  );
});
