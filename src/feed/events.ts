import { MAX_EVENT_NAME } from '../model/hook-events.ts';
import { LAST_RANK } from '../model/hook.ts';
import type { ChangeEvent, FieldChange, TaskChange } from '../store/feed.ts';

/** An event of a task, made from its changes. */
export interface TaskEvent {
  type: string;
  /** The number of the change, and the event's rank among those of that change. */
  seq: number;
  rank: number;
  /** UTC text: when the change was observed. */
  at: string;
  /** The fields that changed with it. */
  changes: readonly FieldChange[];
  /** The task as it is now. */
  change: TaskChange;
  /** The task has left the status that the event is about; false for all other events. */
  isPast: boolean;
  /** The group of an error that may be the first of its kind; null for all other events. */
  errorGroup: string | null;
}

/** The order of the events of one change. */
const RANK = { change: 0, status: 1, errorGroup: 2 } as const;

/** A change of a task, and the lines that the journal has of it. */
interface Step {
  seq: number;
  at: string;
  kind: ChangeEvent;
  changes: readonly FieldChange[];
}

/**
 * Returns the events of a task after the change `since`, in order: of each change one that says what happened,
 * one if the task came into a status, and one if it came by an error. A line of the journal that was pruned has
 * no event.
 */
export function eventsOf(change: TaskChange, since: number): TaskEvent[] {
  const steps = stepsOf(change, since);
  return steps.flatMap((step) => {
    const base = { seq: step.seq, at: step.at, changes: step.changes, change };
    const status = statusOf(change, step);
    const group = errorGroupOf(change, step);
    return [
      { ...base, type: `task.${step.kind}`, rank: RANK.change, isPast: false, errorGroup: null },
      ...(status === null
        ? []
        : [
            {
              ...base,
              type: nameOf(status),
              rank: RANK.status,
              isPast: hasLeft(change, step.seq),
              errorGroup: null,
            },
          ]),
      ...(group === null
        ? []
        : [{ ...base, type: 'error_group.new', rank: RANK.errorGroup, isPast: false, errorGroup: group }]),
    ];
  });
}

/** A status may be any text of the API, and its event's name is also in the environment of a command. */
function nameOf(status: string): string {
  return `task.${status.replaceAll('\0', '\ufffd')}`.slice(0, MAX_EVENT_NAME).toWellFormed();
}

/** Compares two places in the order of events: below 0 if `a` comes first. */
export function comparePlaces(a: { seq: number; rank: number }, b: { seq: number; rank: number }): number {
  return a.seq - b.seq || a.rank - b.rank;
}

/** Returns the last change up to which everything is done, for a place within the events of a change. */
export function sinceOf({ seq, rank }: { seq: number; rank: number }): number {
  return rank >= LAST_RANK ? seq : Math.max(0, seq - 1);
}

function stepsOf(change: TaskChange, since: number): Step[] {
  const addedSeq = Number(change.task['added_seq'] ?? 0);
  const isNew = addedSeq > since;
  const bySeq = Map.groupBy(change.changes, ({ seq }) => seq);
  const steps = [...bySeq]
    .filter(([seq]) => seq > since && seq !== addedSeq)
    .toSorted(([a], [b]) => a - b)
    .map(([seq, changes]): Step => ({
      seq,
      at: changes[0]?.observedAt ?? change.observedAt,
      kind: kindOf(changes),
      changes,
    }));
  if (isNew) {
    const at = String(change.task['first_seen_at'] ?? change.observedAt);
    steps.unshift({ seq: addedSeq, at, kind: 'added', changes: [] });
  }
  // The lines of its last change may be pruned.
  if ((steps.at(-1)?.seq ?? since) < change.seq && !(isNew && change.seq === addedSeq)) {
    const kind = change.event === 'added' ? 'changed' : change.event;
    steps.push({ seq: change.seq, at: change.observedAt, kind, changes: [] });
  }
  return steps;
}

function kindOf(changes: readonly FieldChange[]): ChangeEvent {
  const removal = changes.find(({ field }) => field === 'removed_at');
  if (removal === undefined) return 'changed';
  return removal.newValue === null ? 'returned' : 'removed';
}

/** Returns the status that the task came into; null if it stayed in its status. */
function statusOf(change: TaskChange, step: Step): string | null {
  if (step.kind !== 'added') return lineOf(step.changes, 'status')?.newValue ?? null;
  return valueAtFirst(change, 'status');
}

/** Returns the group of the error that the task came by, if it still has that error; else null. */
function errorGroupOf(change: TaskChange, step: Step): string | null {
  const group = change.task['error_group'];
  if (typeof group !== 'string') return null;
  const came =
    step.kind === 'added' ? valueAtFirst(change, 'error') : (lineOf(step.changes, 'error')?.newValue ?? null);
  const isLast = !change.changes.some(({ field, seq }) => field === 'error' && seq > step.seq);
  return came !== null && isLast ? group : null;
}

/** Returns what a field of a task was when the task was added. */
function valueAtFirst(change: TaskChange, field: string): string | null {
  const line = lineOf(change.changes, field);
  if (line !== undefined) return line.oldValue;
  const value = change.task[field];
  return typeof value === 'string' ? value : null;
}

function lineOf(changes: readonly FieldChange[], field: string): FieldChange | undefined {
  return changes.find((line) => line.field === field);
}

/** Returns whether a task that came into a status with this change has left it, or was removed. */
function hasLeft(change: TaskChange, seq: number): boolean {
  const isRemoved = (change.task['removed_at'] ?? null) !== null;
  return isRemoved || change.changes.some((line) => line.field === 'status' && line.seq > seq);
}
