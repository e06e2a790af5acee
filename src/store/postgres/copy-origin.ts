import type { CopyOrigin } from '../copyable.ts';
import { connectToCopy } from './copy-connection.ts';
import { readable } from './copy-rows.ts';
import { assertVersion, placeOf, versionOf } from './identity.ts';
import { prefixOf } from './names.ts';
import type { PostgresTarget } from './target.ts';

/**
 * One snapshot for all that is read. The limits are those of a copy: its target writes between two questions,
 * and if this host should vanish, the server must not keep old rows for ever.
 */
const BEGIN = `begin isolation level repeatable read read only;
  set local idle_in_transaction_session_timeout = '30min';
  set local statement_timeout = 0`;

/**
 * Opens a mirror to be copied, as of now, as a role that may not write. Others go on writing to it; only vacuum
 * has to leave old rows before it is closed. Throws DatabaseError. `batchRows`: the most rows of a batch.
 */
export async function openCopyOrigin(
  target: PostgresTarget,
  { batchRows }: { batchRows?: number } = {},
): Promise<CopyOrigin> {
  const connection = await connectToCopy(target);
  try {
    await connection.query(BEGIN);
    assertVersion(connection, target.schema, await versionOf(connection, target.schema));
    return {
      name: placeOf(connection.name, target.schema),
      ...readable(connection, prefixOf(target.schema), { batchRows, inTransaction: true }),
      close: () => connection.end(),
    };
  } catch (error) {
    await connection.end();
    throw error;
  }
}
