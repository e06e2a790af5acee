import { absolutePath, assertPath } from '../platform/paths.ts';
import {
  isPostgresUrl,
  SCHEMA_NAME,
  SCHEMA_NAME_RULE,
  parsePostgresUrl,
  withSslRootCert,
} from '../model/postgres-url.ts';
import type { Settings } from '../config/settings.ts';
import { CommandLineError } from './command-line-error.ts';

/** Where a mirror is that is copied, or its copy. */
export type CopyPlace = { kind: 'file'; file: string } | ({ kind: 'postgres' } & ServerPlace);

/** A PostgreSQL database, by a URL without a password and with absolute paths, and a schema in it. */
export interface ServerPlace {
  url: string;
  schema: string;
}

/**
 * Returns the place that `--from` or `--to`, and the flag for its schema, name; relative paths start at `cwd`.
 * Throws UsageError.
 */
export function copyPlaceOf(
  flag: 'from' | 'to',
  {
    text,
    schema,
    settings,
    cwd,
  }: {
    text: string;
    schema: string | undefined;
    /** The schema if no flag names one. */
    settings: Pick<Settings, 'schema'>;
    cwd: string | null;
  },
): CopyPlace {
  if (!isPostgresUrl(text)) {
    if (schema !== undefined) {
      throw new CommandLineError(`--${flag}-schema goes with a URL in --${flag}: a file has no schema`);
    }
    assertPath(`--${flag}`, text);
    return { kind: 'file', file: absolutePath(cwd, text) };
  }
  if (parsePostgresUrl(text).password !== null) {
    throw new CommandLineError(
      `--${flag}: the URL holds a password, which everybody on this machine can see`,
      {
        hint: 'Leave it out of the URL. It can be in PGPASSWORD, in a pgpass file, or where databasePassword says.',
      },
    );
  }
  return {
    kind: 'postgres',
    url: withSslRootCert(text, (path) => absolutePath(cwd, path)),
    schema: schemaOf(flag, schema ?? settings.schema),
  };
}

function schemaOf(flag: string, schema: string): string {
  if (SCHEMA_NAME.test(schema)) return schema;
  throw new CommandLineError(`--${flag}-schema: expected ${SCHEMA_NAME_RULE}`);
}
