import * as z from 'zod/mini';
import { settingsSchema, sourceSchema } from './schema.ts';
import { hookSchema } from './schema-hooks.ts';

/**
 * `words`: a list of plain words. `json`: a list of anything else. `secret`: where a secret is kept; the variable
 * holds the secret itself.
 */
type LeafKind = 'text' | 'number' | 'boolean' | 'words' | 'json' | 'secret';

/** A setting that holds a value, not further settings. */
export interface Leaf {
  path: readonly string[];
  /** The environment variable that sets it: TASKMIRROR_SYNC_RETRY_SECONDS for sync.retrySeconds. */
  variable: string;
  kind: LeafKind;
  isNullable: boolean;
}

/** Returns every leaf of the settings, in the order of the schema. `sources` is one. */
export function settingLeaves(): Leaf[] {
  return leavesOf(settingsSchema(), []).filter(({ path }) => path[0] !== '$schema');
}

/** Returns every name that the file may use, with its path: a misspelt name is compared with these. */
export function settingNames(): Map<string, string> {
  const paths = settingLeaves().flatMap(({ path }) => path.map((_, index) => path.slice(0, index + 1)));
  const names = new Map(paths.map((path) => [path.at(-1) ?? '', path.join('.')]));
  for (const name of Object.keys(hookSchema().shape)) names.set(name, `hooks[].${name}`);
  for (const name of Object.keys(sourceSchema().shape)) names.set(name, `sources[].${name}`);
  return names;
}

function leavesOf(section: z.ZodMiniObject, parents: readonly string[]): Leaf[] {
  return Object.entries(section.shape).flatMap(([name, declared]) => {
    const path = [...parents, name];
    const { type, isNullable } = unwrap(declared);
    if (type instanceof z.ZodMiniObject) return leavesOf(type, path);
    return [{ path, variable: variableFor(path), kind: kindOf(type), isNullable }];
  });
}

function unwrap(declared: z.core.$ZodType): { type: z.core.$ZodType; isNullable: boolean } {
  let type = declared;
  let isNullable = false;
  for (;;) {
    if (type instanceof z.ZodMiniNullable) isNullable = true;
    else if (!(type instanceof z.ZodMiniDefault || type instanceof z.ZodMiniPrefault))
      return { type, isNullable };
    type = type.def.innerType;
  }
}

function kindOf(type: z.core.$ZodType): LeafKind {
  if (type instanceof z.ZodMiniNumber) return 'number';
  if (type instanceof z.ZodMiniBoolean) return 'boolean';
  if (type instanceof z.ZodMiniUnion) return 'secret';
  if (type instanceof z.ZodMiniArray) return type.def.element instanceof z.ZodMiniEnum ? 'words' : 'json';
  return 'text';
}

function variableFor(path: readonly string[]): string {
  const words = path.flatMap((name) => name.split(/(?=[A-Z])/));
  return `TASKMIRROR_${words.join('_').toUpperCase()}`;
}
