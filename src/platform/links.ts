import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * Returns the absolute path to which an absolute one leads through links, even if nothing is there yet.
 * Throws the system's error for links in a circle and for folders that it may not read.
 */
export function endOfLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const folder = dirname(path) === path ? path : endOfLinks(dirname(path));
  const place = join(folder, basename(path));
  const isLink = lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return isLink ? endOfLinks(resolve(folder, readlinkSync(place))) : place;
}

/** Returns the same, or the path as it is if that fails: opening it then reports why. */
export function placeOf(path: string): string {
  try {
    return endOfLinks(path);
  } catch {
    return path;
  }
}
