/**
 * A task as the mirror keeps it: the API's 17 fields, plus the fields that we do not know yet.
 *
 * Times are UTC text `YYYY-MM-DDTHH:MM:SS.sssZ`, so they sort as text. `env` and `extra` are JSON text. The
 * fields of {@link OMITTABLE} are null if the settings say that they must never reach the disk.
 */
export interface Task {
  id: string;
  apiKeyId: string | null;
  username: string | null;
  sessionId: string | null;
  conversationId: string | null;
  status: string;
  message: string | null;
  systemPrompt: string | null;
  showInHistory: boolean;
  autoExecute: boolean;
  env: string | null;
  error: string | null;
  createdAt: string;
  startedAt: string | null;
  completedAt: string | null;
  lastActivityAt: string;
  messageCount: number;
  /** Fields that this version of taskmirror does not know, as JSON text; null if there are none. */
  extra: string | null;
}

/** A task as GET /tasks/{id} gives it: without the list's sort key, message count and unknown fields. */
export type TaskDetail = Omit<Task, 'lastActivityAt' | 'messageCount' | 'extra'>;

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

/** Fields that `omitFields` may name: all that neither the walk nor the views need. */
export const OMITTABLE = [
  'apiKeyId',
  'username',
  'sessionId',
  'conversationId',
  'message',
  'systemPrompt',
  'env',
  'error',
  'extra',
] as const satisfies readonly (keyof Task)[];

export type OmittableField = (typeof OMITTABLE)[number];

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
