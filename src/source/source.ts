import type { RejectedRow, Task, TaskDetail } from '../model/task.ts';

/** Passed down to every request: how to stop it, and who counts it. */
export interface RequestContext {
  signal: AbortSignal;
  /** Called once for each HTTP request that is really sent, retries included. */
  onRequest?: () => void;
  /** Called each time the API asks for fewer requests (429, or Retry-After), before the wait. */
  onPushback?: () => void;
  /** Share of the time for all attempts that this request may take, above 0; default 1. One always fits. */
  patience?: number;
}

/** `activity`: lastActivityAt in ms; null if it is unreadable or says nothing about the row's place. */
export type ListRow =
  | { task: Task; rejected?: never; activity: number | null }
  | { rejected: RejectedRow; task?: never; activity: number | null };

/** One answer of the list: a contiguous slice of it, as it was at one moment, newest activity first. */
export interface ListPage {
  rows: ListRow[];
  /** The API's `total`: an alarm, not a truth. Null if it gave none. */
  total: number | null;
  hasMore: boolean;
  /** The server's clock (Date header) in ms, whole seconds; null if it gave none. */
  servedAt: number | null;
}

/**
 * The API as the core sees it. Both calls are safe to repeat, retry by themselves what is worth retrying, and
 * throw only KeyRefusedError (the API's own words), ApiFailedError (after all retries), or the signal's
 * reason. If the API answers but refuses one page, that is a PageFailedError: another page may work.
 */
export interface TaskSource {
  /** Reads rows `offset` to `offset + limit`. The server may return fewer than it was asked for. */
  list(page: { offset: number; limit: number }, context: RequestContext): Promise<ListPage>;
  /** Reads one task; null: the API itself says there is none. Malformed: rejected. 403: ApiFailedError. */
  get(id: string, context: RequestContext): Promise<TaskDetail | { rejected: RejectedRow } | null>;
}
