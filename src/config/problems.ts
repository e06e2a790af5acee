import type * as z from 'zod/mini';
import { UsageError } from '../model/errors.ts';
import { maskKeys } from '../platform/redact.ts';
import { visible } from '../platform/terminal.ts';
import { isUrl } from './database-url.ts';
import { describePlace, isRecord, valueAt } from './draft.ts';
import type { Draft, Path } from './draft.ts';
import { settingNames } from './leaves.ts';
import { nearest } from '../platform/nearest.ts';

const MAX_SHOWN = 60;
const MAX_PROBLEMS = 50;

/** Formats a value for an error: short, on one line, and with what looks like a key masked. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isRecord(value)) return 'an object';
  const text = visible(maskKeys(JSON.stringify(value)));
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}

/** Formats a name that somebody else chose for an error. */
export function shownName(name: string): string {
  return shown(name).slice(1, -1);
}

/** Returns `, did you mean X?` if X is near, else nothing. */
export function suggestion(word: string, known: ReadonlyMap<string, string>): string {
  const name = nearest(word, [...known.keys()]);
  return name === undefined ? '' : `, did you mean ${known.get(name)}?`;
}

/** Describes what the schema found, one text per problem: where, what is there, what was expected. */
export function describeIssues(draft: Draft, issues: readonly z.core.$ZodIssue[]): string[] {
  const known = settingNames();
  return issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [describeIssue(draft, issue.path, issue.message)];
    return issue.keys.map((key) => {
      const place = describePlace(draft, [...issue.path, shownName(key)]);
      return `${place} is not a setting${suggestion(key, known)}`;
    });
  });
}

function describeIssue(draft: Draft, path: Path, expectation: string): string {
  const place = describePlace(draft, path);
  const value = valueAt(draft.values, path);
  if (value === undefined) return `${place} is missing: ${expectation}`;
  return maySpeak(path, value) ? `${place} is ${shown(value)}: ${expectation}` : `${place}: ${expectation}`;
}

/**
 * Returns whether a value may be repeated. Of a source only the name may: a key may have been pasted to the
 * wrong place, or into a URL. A password may stand in a URL, or in place of where it is kept.
 */
function maySpeak([section, ...rest]: Path, value: unknown): boolean {
  if (section === 'sources') return rest.at(-1) === 'name';
  // The address and the command of a hook may hold secrets too.
  if (section === 'hooks') return !['url', 'secret', 'command'].includes(String(rest[1]));
  return !/password/i.test(String(section)) && !(typeof value === 'string' && isUrl(value));
}

/** Creates one error for all problems. */
export function settingsError(problems: readonly string[]): UsageError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const lines = problems.slice(0, MAX_PROBLEMS).map((problem) => `\n- ${problem}`);
  if (problems.length > MAX_PROBLEMS) lines.push(`\n- and ${problems.length - MAX_PROBLEMS} more`);
  return new UsageError(
    'settings_invalid',
    { problems: problems.length },
    `The settings have ${count}:${lines.join('')}`,
  );
}
