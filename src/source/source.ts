import type { RejectedRow, Task, TaskDetail } from '../model/task.ts';

/** Passed down to every request: how to stop it, and who counts it. */
export interface RequestContext {
  signal: AbortSignal;
  /** Called once for each HTTP request that is really sent, retries included. */
  onRequest?: () => void;
  /** Called each time that the API asks to be asked less often (429, or Retry-After), before the wait. */
  onPushback?: () => void;
  /** The share of the time for all attempts that this request may take, above 0; 1 unless given. One attempt always fits. */
  patience?: number;
}

/** `activity`: lastActivityAt in ms; null where it could not be read, or says nothing about the row's place. */
export type ListRow =
  | { task: Task; rejected?: never; activity: number | null }
  | { rejected: RejectedRow; task?: never; activity: number | null };

/** One answer of the list: a contiguous slice of it, as it stood at one moment, newest activity first. */
export interface ListPage {
  rows: ListRow[];
  /** The API's `total`: an alarm, not a truth. Null where it gave none. */
  total: number | null;
  hasMore: boolean;
  /** The server's clock (Date header) in ms, whole seconds; null where it gave none. */
  servedAt: number | null;
}

/**
 * The API as the core sees it. Both calls are safe to repeat, retry on their own what is worth retrying, and throw only
 * KeyRefusedError (the API's own words), ApiFailedError (after all retries), or the signal's reason. A page that the API
 * refuses although it answers is a PageFailedError: another one may fare better.
 */
export interface TaskSource {
  /** Rows `offset` to `offset + limit`. The server may return fewer than it was asked for. */
  list(page: { offset: number; limit: number }, context: RequestContext): Promise<ListPage>;
  /** One task; null: the API itself says that there is none. Malformed: rejected. Forbidden (403): ApiFailedError. */
  get(id: string, context: RequestContext): Promise<TaskDetail | { rejected: RejectedRow } | null>;
}
