import { describeOrigin } from './settings.ts';
import type { Origin } from './settings.ts';

export type Path = readonly PropertyKey[];

/** Settings that are being put together, not checked yet, and what was laid over the file. */
export interface Draft {
  values: Record<string, unknown>;
  /** By path, for everything that does not come from the file. */
  overlaid: Map<string, Origin>;
  file: string | null;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `sources[0].name` */
export function pathText(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

/** Returns the value at a path; undefined if there is none. */
export function valueAt(values: unknown, path: Path): unknown {
  let value = values;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

/** Lays a value over what is there. A section that is not an object is left alone: the check will find it. */
export function overlay(draft: Draft, path: readonly string[], value: unknown, origin: Origin): void {
  const key = path.at(-1);
  if (key === undefined) return;
  let section = draft.values;
  for (const name of path.slice(0, -1)) {
    if (section[name] === undefined) section[name] = {};
    const inner = section[name];
    if (!isRecord(inner)) return;
    section = inner;
  }
  section[key] = value;
  draft.overlaid.set(pathText(path), origin);
}

/** Returns where a place of the draft was set: by what was laid over it or around it, else by the file. */
export function placeOf(draft: Draft, path: Path): Origin {
  for (let length = path.length; length > 0; length--) {
    const origin = draft.overlaid.get(pathText(path.slice(0, length)));
    if (origin !== undefined) return origin;
  }
  return draft.file === null ? { kind: 'default' } : { kind: 'file', path: draft.file };
}

/** Returns where the value of a leaf comes from. */
export function originOf(draft: Draft, path: Path): Origin {
  return valueAt(draft.values, path) === undefined ? { kind: 'default' } : placeOf(draft, path);
}

/** Describes a place: the variable or flag alone if it sets exactly this, else the path and its origin. */
export function describePlace(draft: Draft, path: Path): string {
  const place = describeOrigin(placeOf(draft, path));
  return draft.overlaid.has(pathText(path)) ? place : `${pathText(path)} in ${place}`;
}
