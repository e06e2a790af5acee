import type { RetentionSettings, SyncSettings } from '../model/sync-settings.ts';
import type { SyncOptions } from './sync.ts';

const DAY_MS = 86_400_000;

/** The part of a run's options that the settings say, in the units of the core. */
export function runOptions(
  { pageSize, concurrency, overlapSeconds }: SyncSettings,
  { changesDays, removedDays }: RetentionSettings,
): Pick<SyncOptions, 'pageSize' | 'concurrency' | 'overlapMs' | 'retention'> {
  return {
    pageSize,
    concurrency,
    overlapMs: overlapSeconds * 1_000,
    retention: { changesMs: daysInMs(changesDays), removedMs: daysInMs(removedDays) },
  };
}

const daysInMs = (days: number | null): number | null => (days === null ? null : days * DAY_MS);
