import type { SyncReport } from '../sync/report.ts';

/**
 * Reports are stored beside the errors, so that error classes know nothing of runs, and any error can have
 * one.
 */
const reports = new WeakMap<object, SyncReport>();

/**
 * Returns the report of a run that failed, by the error of `Mirror.sync`. Rows that it counts as inserted,
 * updated or removed were committed and stay. Undefined for an error without a run, such as one of an option.
 */
export function reportOf(error: unknown): SyncReport | undefined {
  return isObject(error) ? reports.get(error) : undefined;
}

/** Lets {@link reportOf} find the report of the run that ended with this failure. */
export function noteReport(failure: unknown, report: SyncReport): void {
  if (isObject(failure)) reports.set(failure, report);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
