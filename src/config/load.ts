import { readBounded } from '../platform/bounded-file.ts';
import { settleQueryDatabase, takePasswords } from './database-url.ts';
import { completed } from './with-defaults.ts';
import { isRecord } from './draft.ts';
import type { Draft } from './draft.ts';
import { parseJson } from './json-text.ts';
import { hasVariables, overlayDefaultSource, overlayFlags } from './overlays.ts';
import { absolutePath } from '../platform/paths.ts';
import { plainSettings } from './simple-settings.ts';
import { DEFAULT_FILE, MAX_FILE_KILOBYTES } from './settings-file.ts';
import type { LoadedSettings, SettingsInput } from './settings.ts';

/**
 * Puts the settings together (flag over environment over file over default) and checks them. Relative paths
 * start at the file's folder if they are in the file, at the working directory otherwise. A mirror can be
 * read without any source, so having none is no error here: see requireSources in sources.ts.
 *
 * Throws one UsageError that names every problem.
 */
export async function loadSettings(input: SettingsInput): Promise<LoadedSettings> {
  const { env, cwd, flags } = input;
  const problems: string[] = [];
  const draft = readFile(input, problems);
  if (hasVariables(env)) {
    const { overlayEnvironment } = await import('./environment.ts');
    problems.push(...overlayEnvironment(draft, env));
  }
  overlayDefaultSource(draft, env);
  overlayFlags(draft, flags);
  problems.push(...takePasswords(draft), ...settleQueryDatabase(draft));

  const plain = problems.length === 0 ? plainSettings(draft) : null;
  if (plain !== null) return completed(plain, draft, cwd);
  // Loading and building the schema takes as long as opening the database.
  const { checkedSettings } = await import('./check.ts');
  return completed(checkedSettings(draft, problems), draft, cwd);
}

/** Returns a draft of the settings file; an empty one if there is no file or it cannot be used. */
function readFile({ env, cwd, flags, readsFile = true }: SettingsInput, problems: string[]): Draft {
  const named = flags.config ?? env['TASKMIRROR_CONFIG'];
  const origin = flags.config === undefined ? 'environment variable TASKMIRROR_CONFIG' : 'flag --config';
  const none: Draft = { values: {}, overlaid: new Map(), file: null };
  if (!readsFile) return none;
  if (named === '') {
    problems.push(`${origin} is empty: expected the path of a settings file`);
    return none;
  }

  if (named === undefined && cwd === null) return none;
  const path = absolutePath(cwd, named ?? DEFAULT_FILE);
  const label = named === undefined ? path : `${path} (${origin})`;
  const file = readBounded(path, MAX_FILE_KILOBYTES);
  if ('failure' in file) {
    if (named !== undefined || !file.isMissing) problems.push(`settings file ${label} ${file.failure}`);
    return none;
  }
  const parsed = parseJson(file.text);
  if ('failure' in parsed) problems.push(`settings file ${label} ${parsed.failure}`);
  else if (isRecord(parsed.value)) return { ...none, values: parsed.value, file: path };
  else problems.push(`settings file ${label} does not hold a JSON object`);
  return none;
}
