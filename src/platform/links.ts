import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * The absolute path to which an absolute one leads through links, also where nothing is there yet. Throws what the system
 * says of links in a circle and of folders that it may not look into.
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

/** The same; the path as it is where that cannot be told: whoever opens it then learns why. */
export function placeOf(path: string): string {
  try {
    return endOfLinks(path);
  } catch {
    return path;
  }
}
