import type { Draft } from './draft.ts';
import { describeIssues, settingsError } from './problems.ts';
import { checkSettings } from './schema.ts';
import type { Settings } from './settings.ts';

/** What a draft sets, checked by the schema. Throws one UsageError that names `problems` and whatever else is wrong. */
export function checkedSettings(draft: Draft, problems: readonly string[]): Partial<Settings> {
  const checked = checkSettings(draft.values);
  if (!checked.success) throw settingsError([...problems, ...describeIssues(draft, checked.error.issues)]);
  if (problems.length > 0) throw settingsError(problems);
  const { $schema: _, ...values } = checked.data;
  return values;
}
