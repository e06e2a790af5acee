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
        "Days that a change stays in task_changes; the last one of a task's status always does. null: for ever.",
      ),
      removedDays: setting(
        daysOrNull(DAYS_BOUNDS),
        DEFAULTS.retention.removedDays,
        'Days that a task stays in the mirror after its removal, with its changes. null: for ever.',
      ),
    },
    object,
  );
