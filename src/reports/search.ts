import type { Table } from '../store/queryable.ts';
import type { Reportable, SearchQuestion } from '../store/reportable.ts';
import { tasksOf } from './ask.ts';

/** A search of the tasks that are not removed. */
export interface SearchRequest extends Omit<SearchQuestion, 'filter'> {
  status: string | null;
  user: string | null;
  /** UTC text: created from `since` (inclusive) to `until` (exclusive). */
  since: string | null;
  until: string | null;
}

/** Returns the best matches first, as {@link Reportable} does. Throws UsageError. */
export function searchTasks(mirror: Reportable, request: SearchRequest): Promise<Table> {
  const { text, raw, limit, marks, status, user, since, until } = request;
  return mirror.search({ text, raw, limit, marks, filter: tasksOf({ status, user, since, until }) });
}
