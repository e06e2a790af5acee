import { FIELDS, type TaskField, type ValueOf } from './fields.ts';

/**
 * A task as the mirror keeps it: the API's 17 fields, plus the fields that we do not know yet.
 *
 * Times are UTC text `YYYY-MM-DDTHH:MM:SS.sssZ`, so they sort as text. `env` and `extra` are JSON text. The
 * fields of {@link OMITTABLE} are null if the settings say that they must never reach the disk.
 */
export type Task = { [F in TaskField as F['name']]: ValueOf<F> };

/** What GET /tasks/{id} reports of a task: it lacks the sort key, the message count and unknown fields of the list. */
export type TaskDetail = Omit<Task, Extract<TaskField, { listOnly: true }>['name']>;

/** A row that did not validate. It still fills a place in the list. */
export interface RejectedRow {
  /** The row's id if it has a usable one: a good version with this id heals the rejection. */
  id: string | null;
  /** The row as JSON text, without the fields that must not reach the disk. */
  payload: string;
  /** The fault, for the person who has to look: path, value, expectation. */
  reason: string;
  /** Its lastActivityAt in ms, if the list showed a readable one. */
  activity?: number | null;
}

export type OmittableField = Extract<TaskField, { omittable: true }>['name'];

/** Fields that `omitFields` may name: all that neither the walk nor the views need. */
export const OMITTABLE: readonly OmittableField[] = FIELDS.filter((field) => 'omittable' in field).map(
  ({ name }) => name,
);

/** Statuses in which a task still changes without its sort key moving (docs.sigmic.ai, tasks/get). */
export const OPEN_STATUSES = ['pending', 'running', 'awaiting_approval'] as const;

/** Returns whether a task may still change without its sort key moving. */
export function isOpen({ status }: Pick<Task, 'status'>): boolean {
  return (OPEN_STATUSES as readonly string[]).includes(status);
}

/** Returns the sort key of the list: lastActivityAt in ms since the epoch. */
export function activityOf(task: Pick<Task, 'lastActivityAt'>): number {
  return Date.parse(task.lastActivityAt);
}

/** Returns milliseconds as the UTC text that the mirror stores. */
export function utcText(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * Derives lastActivityAt by the documented rule: the latest of completedAt, startedAt and createdAt
 * (docs.sigmic.ai, tasks/list). Works on canonical UTC text, which sorts as time does.
 */
export function deriveLastActivityAt(task: Pick<Task, 'createdAt' | 'startedAt' | 'completedAt'>): string {
  return [task.startedAt, task.completedAt].reduce<string>(
    (latest, time) => (time !== null && time > latest ? time : latest),
    task.createdAt,
  );
}
