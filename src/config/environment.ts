import { overlay } from './draft.ts';
import type { Draft } from './draft.ts';
import { parseJson } from './json-text.ts';
import { settingLeaves } from './leaves.ts';
import type { Leaf } from './leaves.ts';
import { PREFIX } from './overlays.ts';
import { shownName, suggestion } from './problems.ts';
import type { Environment } from './settings.ts';

const CONFIG_VARIABLE = 'TASKMIRROR_CONFIG';
const DATABASE_VARIABLES = ['TASKMIRROR_DATABASE', 'TASKMIRROR_DB'] as const;

/**
 * Lays every TASKMIRROR_* variable over the draft and returns what is wrong with them. TASKMIRROR_CONFIG is
 * left to the code that looks for the file.
 */
export function overlayEnvironment(draft: Draft, env: Environment): string[] {
  const given = Object.entries(env).filter(
    ([variable, text]) => variable.startsWith(PREFIX) && variable !== CONFIG_VARIABLE && text !== undefined,
  );
  if (given.length === 0) return [];
  const leaves = new Map(settingLeaves().map((leaf) => [leaf.variable, leaf]));
  const database = leaves.get(DATABASE_VARIABLES[0]);
  if (database !== undefined) leaves.set(DATABASE_VARIABLES[1], database);
  // All of them begin with the same prefix, which must not make two of them look alike.
  const known = new Map([...leaves.keys(), CONFIG_VARIABLE].map((variable) => [bare(variable), variable]));

  const problems: string[] = [];
  for (const [variable, text = ''] of given.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const leaf = leaves.get(variable);
    if (leaf === undefined) {
      const name = shownName(variable);
      problems.push(`environment variable ${name} is not a setting${suggestion(bare(variable), known)}`);
      continue;
    }
    const parsed = parse(leaf, text);
    if ('failure' in parsed) {
      problems.push(`environment variable ${variable} ${parsed.failure}`);
    } else {
      overlay(draft, leaf.path, parsed.value, { kind: 'environment', variable });
    }
  }
  if (DATABASE_VARIABLES.every((variable) => env[variable] !== undefined)) {
    problems.push(
      `environment variables ${DATABASE_VARIABLES.join(' and ')} name the same setting: set only one`,
    );
  }
  return problems;
}

function bare(variable: string): string {
  return variable.slice(PREFIX.length);
}

/** Reads the text of a variable. A text that does not fit stays text: the schema says what it expected. */
function parse(leaf: Leaf, text: string): { value: unknown } | { failure: string } {
  if (leaf.kind === 'secret') return { value: { env: leaf.variable } };
  if (leaf.isNullable && text === 'null') return { value: null };
  switch (leaf.kind) {
    case 'number':
      return { value: /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text };
    case 'boolean':
      return { value: text === 'true' || (text === 'false' ? false : text) };
    case 'words':
      return text.startsWith('[') ? parseJson(text) : { value: text.split(',').map((word) => word.trim()) };
    case 'json':
      return parseJson(text);
    default:
      return { value: text };
  }
}
