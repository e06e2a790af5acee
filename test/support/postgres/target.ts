import { parsePostgresUrl, type PostgresTarget, withoutPassword } from '../../../src/model/postgres-url.ts';

/** What the program connects with, from a URL that may hold a password. */
export function targetOf(url: string, more: Partial<PostgresTarget> = {}): PostgresTarget {
  const { password } = parsePostgresUrl(url);
  return {
    url: withoutPassword(url),
    password: password === null ? null : async () => password,
    schema: 'taskmirror',
    ca: null,
    ...more,
  };
}
