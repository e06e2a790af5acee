import { resolve } from 'node:path';
import { UsageError } from '../model/errors.ts';
import {
  isPostgresUrl,
  parsePostgresUrl,
  type PostgresTarget,
  SCHEMA_NAME,
  SCHEMA_NAME_RULE,
  withoutPassword,
} from '../model/postgres-url.ts';
import { assertPath } from '../platform/paths.ts';
import { assertFits, KINDS, wrong } from './checks.ts';
import type { ReadMirrorOptions } from './options.ts';

/** Where a mirror is: in a file, or in a PostgreSQL database. */
export type Place = { file: string } | { target: PostgresTarget };

/**
 * Returns the place of a mirror: a path, made absolute, since a mirror opens its file again for queries, and
 * the working directory may change; or a `postgres://` URL. Throws UsageError for one that cannot be used.
 */
export function placeOf(database: string, options: ReadMirrorOptions): Place {
  assertFits('database', database, KINDS.path);
  if (isPostgresUrl(database)) return { target: targetOf(database, options) };
  const given = Object.entries(options).find(([, value]) => value !== undefined);
  if (given !== undefined) throw wrong(given[0], 'given', 'it only with a postgres:// URL');
  assertPath('the file', database);
  if (database !== ':memory:') return { file: resolve(database) };
  throw new UsageError(
    'mirror_in_memory',
    {},
    'a mirror cannot be in memory, since its queries open the file: name one in a temporary folder',
  );
}

function targetOf(url: string, { schema = 'taskmirror', password, ca }: ReadMirrorOptions): PostgresTarget {
  const { password: inUrl, sslMode, sslRootCert } = parsePostgresUrl(url);
  if (sslMode !== 'disable' && sslRootCert !== null && ca === undefined) {
    throw wrong('ca', 'undefined', 'the PEM text of the authorities that sslrootcert of the URL names');
  }
  if (!SCHEMA_NAME.test(schema)) throw wrong('schema', 'no name of one', SCHEMA_NAME_RULE);
  return {
    url: withoutPassword(url),
    // Never null: the driver would read the environment.
    password: async () => (password === undefined ? inUrl : password()),
    schema,
    ca: ca ?? null,
  };
}
