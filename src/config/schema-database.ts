import * as z from 'zod/mini';
import { SCHEMA_NAME, SCHEMA_NAME_RULE } from '../model/postgres-url.ts';
import { databaseProblem, DATABASE_EXPECTED, urlProblem, URL_EXPECTED } from './database-url.ts';
import { DEFAULTS } from './defaults.ts';
import { secretReference, setting, text } from './schema-parts.ts';
import { MAX_PATH } from './settings-file.ts';

const place = (expectation: string, problemOf: (value: string) => string | null) =>
  text(MAX_PATH, expectation).check(
    z.superRefine((value, context) => {
      const problem = problemOf(value);
      if (problem !== null) context.addIssue(problem);
    }),
  );

const SCHEMA = `expected ${SCHEMA_NAME_RULE}`;
const PLACES = 'an environment variable, a file (relative to this file), or a shell command that prints it';

/** The settings that say where the mirror is. */
export const DATABASE_SHAPE = {
  database: () =>
    setting(
      place(DATABASE_EXPECTED, databaseProblem),
      DEFAULTS.database,
      'The SQLite file, relative to this file, or a PostgreSQL database: postgres://USER@HOST:PORT/DATABASE. Never with a password.',
    ),
  schema: () =>
    setting(
      z.string({ error: SCHEMA }).check(z.regex(SCHEMA_NAME, { error: SCHEMA })),
      DEFAULTS.schema,
      'The schema of the PostgreSQL database that holds the mirror.',
    ),
  databasePassword: () =>
    setting(
      z.nullable(secretReference('password')),
      DEFAULTS.databasePassword,
      `Where the password for the PostgreSQL database is kept: ${PLACES}. null: PGPASSWORD, or a pgpass file.`,
    ),
  queryDatabase: () =>
    setting(
      z.nullable(place(URL_EXPECTED, urlProblem)),
      DEFAULTS.queryDatabase,
      'The same PostgreSQL database by a role that may only read: for query, export, search, report and history. null: `database`.',
    ),
  queryDatabasePassword: () =>
    setting(
      z.nullable(secretReference('password')),
      DEFAULTS.queryDatabasePassword,
      'Where the password for `queryDatabase` is kept, as in `databasePassword`.',
    ),
};
