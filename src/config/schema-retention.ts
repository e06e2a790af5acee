import * as z from 'zod/mini';
import { DEFAULTS } from './defaults.ts';
import { daysOrNull, object, setting } from './schema-parts.ts';

const MAX_DAYS = 36_500;

/** Returns the schema of the section `retention`. */
export const retention = () =>
  z.strictObject(
    {
      changesDays: setting(
        daysOrNull(MAX_DAYS),
        DEFAULTS.retention.changesDays,
        "Days that a change stays in task_changes; the last one of a task's status always does. null: for ever.",
      ),
      removedDays: setting(
        daysOrNull(MAX_DAYS),
        DEFAULTS.retention.removedDays,
        'Days that a task stays in the mirror after its removal, with its changes. null: for ever.',
      ),
    },
    object,
  );
