import { join } from 'node:path';
import { readRows } from '../support/mirror.ts';

/** A database that several processes share, of which nothing is made yet. */
export interface SharedDatabase {
  /** The setting `database`. */
  setting: string;
  /** The rows of a query, as the driver of the engine has them. */
  rows<R>(sql: string): R[] | Promise<R[]>;
}

/** Gives a database for programs that start in the folder `cwd`. */
export type MakeDatabase = (cwd: string) => SharedDatabase | Promise<SharedDatabase>;

/** A file in that folder. */
export const inFile: MakeDatabase = (cwd) => ({
  setting: './mirror.db',
  rows: (sql) => readRows(join(cwd, 'mirror.db'), sql),
});
