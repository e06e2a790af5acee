import { randomBytes } from 'node:crypto';
import { execute } from './execute.ts';

/** Creates `count` databases in a server, and returns their URLs and what drops them. */
export async function createDatabases(
  url: string,
  count: number,
): Promise<{ urls: readonly string[]; drop: () => Promise<void> }> {
  const run = randomBytes(4).toString('hex');
  const names = Array.from({ length: count }, (_, nth) => `taskmirror_test_${run}_${nth + 1}`);
  for (const name of names) await execute(url, `create database ${name}`);
  return {
    urls: names.map((name) => inDatabase(url, name)),
    async drop() {
      for (const name of names) await execute(url, `drop database if exists ${name} with (force)`);
    },
  };
}

/** The URL of another database in the same server. */
export function inDatabase(url: string, name: string): string {
  return url.replace(/^([^/]*\/\/[^/?]*\/)[^?]*/, `$1${name}`);
}
