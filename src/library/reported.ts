import type { SyncReport } from '../sync/report.ts';

/** Beside the errors, so that their classes know nothing of runs, and an error of any kind can have one. */
const reports = new WeakMap<object, SyncReport>();

/**
 * What a run did before it failed: the report that belongs to an error of `Mirror.sync`. What it counts as inserted,
 * updated or removed was committed and stays. Undefined for an error that no run ended with, such as one of an option.
 */
export function reportOf(error: unknown): SyncReport | undefined {
  return isObject(error) ? reports.get(error) : undefined;
}

/** Lets {@link reportOf} find the report of the run that ended with this failure. */
export function noteReport(failure: unknown, report: SyncReport): void {
  if (isObject(failure)) reports.set(failure, report);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
