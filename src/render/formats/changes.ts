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
  if (output.isTTY !== true) return ofRows(plainTable(WIDE, [wideRow(WIDEST)]), wideRow);
  const width = output.columns || DEFAULT_COLUMNS;
  const [names, rowOf] = width < WIDE_COLUMNS ? ([NARROW, narrowRow] as const) : ([WIDE, wideRow] as const);
  return ofRows(terminalTable(names, width, color, [rowOf(WIDEST)]), rowOf);
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

const WIDE = ['seq', 'observed_at', 'event', 'source', 'task_id', 'status', 'changes'];
/** On a narrow terminal a line for each change is worth more than a whole id and a time. */
const NARROW = ['seq', 'event', 'task_id', 'status', 'changes'];
/** Columns of a terminal in which a box has room for {@link WIDEST}. */
const WIDE_COLUMNS = 148;
/** Characters of an id that are enough to name a task. */
const SHORT_ID = 8;

/** What most rows need: the first page may be one new task, without a change. */
const WIDEST: TaskChange = {
  seq: 1_000_000,
  source: 'default',
  taskId: '00000000-0000-0000-0000-000000000000',
  event: 'returned',
  observedAt: '2026-01-01T00:00:00.000Z',
  changes: [
    {
      seq: 1,
      field: 'status',
      oldValue: 'running',
      newValue: 'completed',
      observedAt: '2026-01-01T00:00:00.000Z',
    },
  ],
  task: { status: 'awaiting_approval' },
};

function wideRow({ seq, observedAt, event, source, taskId, task, changes }: TaskChange): Cell[] {
  return [seq, observedAt, event, source, taskId, task['status'] ?? null, inWords(changes)];
}

function narrowRow({ seq, event, taskId, task, changes }: TaskChange): Cell[] {
  return [seq, event, taskId.slice(0, SHORT_ID), task['status'] ?? null, inWords(changes)];
}

function inWords(changes: readonly FieldChange[]): string {
  return changes.map(({ field, oldValue, newValue }) => `${field}: ${oldValue} → ${newValue}`).join(', ');
}
