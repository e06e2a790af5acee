import { DatabaseError } from '../../model/errors.ts';
import { OLDEST_SERVER } from '../server.ts';

export interface Suitability {
  /** As the server writes it, such as `18.0`. */
  version: string;
  /** The same as a number: 180000. */
  number: number;
  encoding: string;
}

/** Returns the SELECT of one row with a {@link Suitability}. */
export const SUITABILITY = `select current_setting('server_version') as version,
    current_setting('server_version_num')::int as number, pg_encoding_to_char(encoding) as encoding
  from pg_database where datname = current_database()`;

/** Throws DatabaseError unless a new mirror can be made in such a database. `server`: its name for people. */
export function assertSuitable(server: string, { version, number, encoding }: Suitability): void {
  if (number < OLDEST_SERVER) {
    const message = `${server} runs PostgreSQL ${version}, which is too old; nothing was written to it`;
    throw new DatabaseError('server_unsuitable', { server, why: 'version' }, message);
  }
  if (encoding !== 'UTF8') {
    const message = `${server} is in the encoding ${encoding}, which cannot hold all text; nothing was written to it`;
    throw new DatabaseError('server_unsuitable', { server, why: 'encoding' }, message);
  }
}
