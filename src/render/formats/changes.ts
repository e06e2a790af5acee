import type { FieldChange, TaskChange } from '../../store/feed.ts';
import type { Cell } from '../../store/queryable.ts';
import type { Output } from '../../platform/terminal.ts';
import type { ChangesFormat } from '../rows.ts';
import { plainTable, terminalTable } from '../table.ts';
import { DEFAULT_COLUMNS } from '../text.ts';
import { csvLines, jsonText } from './encode.ts';
import type { RowFormat } from './format.ts';

/** A format for changes, page by page. One that keeps state works for one output only. */
export interface ChangesText {
  begin(): string;
  page(changes: readonly TaskChange[]): Iterable<string>;
  end(): string;
}

/** Returns a format for an output; a table fits its terminal. */
export function changesText(
  format: ChangesFormat,
  { output, color }: { output: Output; color: boolean },
): ChangesText {
  if (format === 'jsonl') {
    const page = (changes: readonly TaskChange[]): string[] => changes.map((change) => `${json(change)}\n`);
    return { begin: () => '', page, end: () => '' };
  }
  if (format === 'csv') return ofRows(csvLines(CSV_COLUMNS), csvRow);
  const table =
    output.isTTY === true
      ? terminalTable(TABLE_COLUMNS, output.columns || DEFAULT_COLUMNS, color, [WIDEST])
      : plainTable(TABLE_COLUMNS, [WIDEST]);
  return ofRows(table, tableRow);
}

function ofRows(format: RowFormat, rowOf: (change: TaskChange) => Cell[]): ChangesText {
  return { ...format, page: (changes) => format.rows(changes.map(rowOf)) };
}

/** Writes a change as one JSON object (docs/json.md); values as everywhere ({@link jsonText}). */
function json(change: TaskChange): string {
  return jsonObject([
    ...HEAD.map(([name, valueOf]) => [name, jsonText(valueOf(change))] as const),
    ['changes', changesJson(change.changes)],
    ['task', taskJson(change)],
  ]);
}

const HEAD: readonly (readonly [name: string, valueOf: (change: TaskChange) => Cell])[] = [
  ['seq', ({ seq }) => seq],
  ['source', ({ source }) => source],
  ['task_id', ({ taskId }) => taskId],
  ['event', ({ event }) => event],
  ['observed_at', ({ observedAt }) => observedAt],
];

function changesJson(changes: readonly FieldChange[]): string {
  const lines = changes.map(({ field, oldValue, newValue, observedAt }) =>
    jsonObject([
      ['field', jsonText(field)],
      ['old_value', jsonText(oldValue)],
      ['new_value', jsonText(newValue)],
      ['observed_at', jsonText(observedAt)],
    ]),
  );
  return `[${lines.join(',')}]`;
}

function taskJson({ task }: TaskChange): string {
  return jsonObject(Object.entries(task).map(([name, cell]) => [name, jsonText(cell)]));
}

function jsonObject(members: readonly (readonly [name: string, json: string])[]): string {
  return `{${members.map(([name, text]) => `${jsonText(name)}:${text}`).join(',')}}`;
}

const CSV_COLUMNS = [...HEAD.map(([name]) => name), 'changes', 'task'];

function csvRow(change: TaskChange): Cell[] {
  return [...HEAD.map(([, valueOf]) => valueOf(change)), changesJson(change.changes), taskJson(change)];
}

const TABLE_COLUMNS = ['seq', 'observed_at', 'event', 'source', 'task_id', 'status', 'changes'];

/** What most rows need: the first page may be one new task, without a change. */
const WIDEST: Cell[] = [
  1_000_000,
  '2026-01-01T00:00:00.000Z',
  'returned',
  'default',
  '00000000-0000-0000-0000-000000000000',
  'awaiting_approval',
  'status: running → completed',
];

function tableRow(change: TaskChange): Cell[] {
  const { seq, observedAt, event, source, taskId, task, changes } = change;
  const told = changes.map(({ field, oldValue, newValue }) => `${field}: ${oldValue} → ${newValue}`);
  return [seq, observedAt, event, source, taskId, task['status'] ?? null, told.join(', ')];
}
