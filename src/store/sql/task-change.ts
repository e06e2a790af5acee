import type { ChangeEvent, FieldChange, TaskChange } from '../feed.ts';
import type { Cell } from '../queryable.ts';

/** Most tasks in one page. */
export const TASKS_A_PAGE = 1_000;

/** Most characters of the rows and lines in one page, so that few are in memory if they are long. */
export const CHARACTERS_A_PAGE = 4 * 1024 * 1024;

/** A line of `task_changes`. */
export interface ChangeLine {
  task_id: string;
  field: string;
  old_value: string | null;
  new_value: string | null;
  observed_at: string;
  /** The number of the row's change that the line belongs to. */
  seq: number;
}

/** Returns the change of a row of `tasks`; `lines` are its own with a number above `since`, oldest first. */
export function taskChangeOf(
  task: Readonly<Record<string, Cell>>,
  lines: readonly ChangeLine[],
  since: number,
): TaskChange {
  const seq = Number(task['seq']);
  const addedSeq = Number(task['added_seq']);
  return {
    seq,
    source: String(task['source']),
    taskId: String(task['id']),
    event: eventOf({ isRemoved: task['removed_at'] !== null, isNew: addedSeq > since }, lines),
    observedAt: observedAt(task, { isFirst: seq === addedSeq, lines }),
    changes: lines.map(fieldChangeOf),
    task,
  };
}

/** A removed task does not change but by its return: its last change was its removal. */
function eventOf(
  { isRemoved, isNew }: { isRemoved: boolean; isNew: boolean },
  lines: readonly ChangeLine[],
): ChangeEvent {
  if (isRemoved) return 'removed';
  if (isNew) return 'added';
  const hasReturned = lines.some(({ field, new_value }) => field === 'removed_at' && new_value === null);
  return hasReturned ? 'returned' : 'changed';
}

/** Clearing a field moves `changed_at`, and is no change: so that is used only if the lines were pruned. */
function observedAt(
  task: Readonly<Record<string, Cell>>,
  { isFirst, lines }: { isFirst: boolean; lines: readonly ChangeLine[] },
): string {
  if (isFirst) return String(task['first_seen_at']);
  return lines.at(-1)?.observed_at ?? String(task['changed_at']);
}

function fieldChangeOf({ seq, field, old_value, new_value, observed_at }: ChangeLine): FieldChange {
  return { seq, field, oldValue: old_value, newValue: new_value, observedAt: observed_at };
}
