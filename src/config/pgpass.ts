import { join } from 'node:path';
import type { PostgresAddress } from '../model/postgres-url.ts';
import { readBounded } from '../platform/bounded-file.ts';
import { absolutePath } from '../platform/paths.ts';
import type { Environment } from './settings.ts';

const MAX_KILOBYTES = 64;

/**
 * Finds the password for a database in the file that PGPASSFILE names, else in `~/.pgpass`, as libpq does: the
 * first line that fits counts, and a file that others may read does not (postgresql.org/docs/current/
 * libpq-pgpass.html). `warning`: why a file that is there was left alone.
 */
export function passwordInFile(
  { host, port, database, user }: PostgresAddress,
  { env, cwd }: { env: Environment; cwd: string | null },
): { password: string | null; warning?: string } {
  const { PGPASSFILE: named, HOME: home } = env;
  if (named === undefined && home === undefined) return { password: null };
  const path = named === undefined ? join(home ?? '', '.pgpass') : absolutePath(cwd, named);
  const file = readBounded(path, MAX_KILOBYTES);
  if ('failure' in file) {
    return {
      password: null,
      ...(file.isMissing ? {} : { warning: `The password file ${path} ${file.failure}.` }),
    };
  }
  if (file.isShared) {
    return { password: null, warning: `Other users of this machine can read ${path}: it is not used.` };
  }
  const hosts = host.startsWith('/') ? [host, 'localhost'] : [host];
  const wanted = [hosts, [String(port)], [database], [user]];
  for (const line of file.text.split(/\r?\n/)) {
    const fields = fieldsOf(line);
    const fits = wanted.every(
      (values, index) => fields[index] === '*' || values.includes(fields[index] ?? ''),
    );
    if (fits && fields[4] !== undefined && !line.startsWith('#')) return { password: fields[4] };
  }
  return { password: null };
}

/** A backslash keeps the colon or the backslash after it. */
function fieldsOf(line: string): string[] {
  return (line.match(/(?<=^|:)(?:\\.|[^:\\])*(?=:|$)/g) ?? []).map((field) =>
    field.replaceAll(/\\(.)/g, '$1'),
  );
}
