import { describe, inject } from 'vitest';
import { inDatabase } from './databases.ts';
import { execute } from './execute.ts';
import { afterwards } from './leftovers.ts';
import { type Server, startServer, type StartOptions } from './start.ts';

export { execute } from './execute.ts';
export { afterwards } from './leftovers.ts';
export { targetOf } from './target.ts';

const { urls, bin, data, missing } = inject('postgres');
/**
 * Files that run at the same time have databases of their own: `create index concurrently` waits for every
 * transaction of its database. No two of them have the same VITEST_POOL_ID.
 */
const shared = urls === null ? null : urlOf(urls, Number(process.env['VITEST_POOL_ID']));

/** The URL of this file's database in the server that the tests share; null, with a reason, where none can run. */
export const postgresUrl = shared;
export const postgresMissing = missing;

function urlOf(all: readonly string[], worker: number): string {
  const url = all[worker - 1];
  if (url === undefined) throw new Error(`There is no database for worker ${worker} of ${all.length}.`);
  return url;
}

/** Groups tests that need the shared server. Where none can run, they are skipped, and the name says why. */
export function describeWithServer(name: string, body: () => void): void {
  group(name, shared === null ? missing : null, body);
}

/** Groups tests that start servers of their own. Where none can run, they are skipped, and the name says why. */
export function describeWithOwnServer(name: string, body: () => void): void {
  group(name, bin === null ? missing : null, body);
}

/** The same for tests that also need something else; `lacking`: why they cannot run, null if they can. */
export function describeWithServerAnd(lacking: string | null, name: string, body: () => void): void {
  group(name, lacking ?? (bin === null ? missing : null), body);
}

function group(name: string, lacking: string | null, body: () => void): void {
  const add = lacking === null ? describe : describe.skip;
  add(lacking === null ? name : `${name} (skipped: ${lacking})`, body);
}

/** Starts a server of its own. It is stopped after the test, or after the file if no test runs. */
export async function ownServer(options: Omit<StartOptions, 'bin' | 'initialized'> = {}): Promise<Server> {
  if (bin === null) throw new Error(missing ?? 'There are no binaries of PostgreSQL.');
  const server = await startServer({ bin, initialized: data, ...options });
  afterwards(() => server.stop());
  return server;
}

/**
 * A schema of its own in the shared server, which does not exist yet. It is dropped after the test, or after
 * the file if no test runs.
 */
export function temporarySchema(): { url: string; schema: string } {
  if (shared === null) throw new Error(missing ?? 'There is no PostgreSQL server.');
  const schema = `test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
  afterwards(async () => {
    await execute(shared, `drop schema if exists "${schema}" cascade`);
  });
  return { url: shared, schema };
}

/** A database of its own in the shared server, and a way to read the mirror in it. It is dropped after the test. */
export async function temporaryDatabase(): Promise<{
  setting: string;
  rows: <R>(sql: string) => Promise<R[]>;
}> {
  const { url, schema: name } = temporarySchema();
  const setting = inDatabase(url, name);
  await execute(url, `create database "${name}"`);
  afterwards(async () => {
    await execute(url, `drop database if exists "${name}" with (force)`);
  });
  const rows = async <R>(sql: string): Promise<R[]> =>
    (await execute(setting, `set search_path = taskmirror; ${sql}`)) as R[];
  return { setting, rows };
}
