import * as z from 'zod/mini';
import { DAYS_BOUNDS } from '../model/sync-settings.ts';
import { DEFAULTS } from './defaults.ts';
import { daysOrNull, object, setting } from './schema-parts.ts';

/** What the section `retention` may hold. */
export const retention = () =>
  z.strictObject(
    {
      changesDays: setting(
        daysOrNull(DAYS_BOUNDS),
        DEFAULTS.retention.changesDays,
        "Days to keep a change in task_changes; the last change of a task's status is always kept. null: forever.",
      ),
      removedDays: setting(
        daysOrNull(DAYS_BOUNDS),
        DEFAULTS.retention.removedDays,
        'Days to keep a removed task, with its changes. null: forever.',
      ),
    },
    object,
  );
