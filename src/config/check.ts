import type { Draft } from './draft.ts';
import { describeIssues, settingsError } from './problems.ts';
import { checkSettings } from './schema.ts';
import type { Settings } from './settings.ts';

/** Returns a draft's values, checked by the schema. Throws one UsageError with `problems` and all others. */
export function checkedSettings(draft: Draft, problems: readonly string[]): Partial<Settings> {
  const checked = checkSettings(draft.values);
  if (!checked.success) throw settingsError([...problems, ...describeIssues(draft, checked.error.issues)]);
  if (problems.length > 0) throw settingsError(problems);
  const { $schema: _, ...values } = checked.data;
  return values;
}
