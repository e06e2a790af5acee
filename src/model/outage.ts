import { type ErrorCode, hasCode, type TaskmirrorError } from './errors.ts';

/** Errors of a database server that often pass by themselves: the same may well succeed in a moment. */
const PASSING = [
  'server_unreachable',
  'connection_lost',
  'server_starting',
  'too_many_connections',
  'server_read_only',
  'server_went_back',
  'transaction_conflict',
  'statement_timeout',
] as const satisfies readonly ErrorCode[];

/** Returns whether a database server could not be used just now, and may come back by itself. */
export function isOutage(error: unknown): error is TaskmirrorError<(typeof PASSING)[number]> {
  return hasCode(error, ...PASSING);
}
