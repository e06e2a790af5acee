import type { ConnectionOptions } from 'node:tls';
import type { ClientConfig } from 'pg';
import {
  isSocket,
  nameOf,
  parsePostgresUrl,
  type PostgresAddress,
  type PostgresTarget,
} from '../../model/postgres-url.ts';

export type { PostgresTarget };

/** What the driver connects with, and how people call the place. */
export interface Destination {
  /** `user@host:port/database`, never a password. */
  name: string;
  config: ClientConfig;
}

const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_AFTER_MS = 10_000;

/** Thrown to the driver when the server asks for a password and there is none. */
export class NoPasswordError extends Error {}

/**
 * Returns where to connect to, and how. The server is known to be the right one before it is sent a password,
 * as far as `sslmode` of the URL demands. Throws UsageError if the URL cannot be used.
 */
export function destinationOf(target: PostgresTarget, applicationName: string): Destination {
  const address = parsePostgresUrl(target.url);
  const { host, port, user, database, connectTimeoutSeconds } = address;
  return {
    name: nameOf(address),
    config: {
      host,
      port,
      user,
      database,
      // Without it the driver would ask PGSSLMODE.
      ssl: tlsOf(address, target.ca),
      ...passwordOf(target),
      application_name: address.applicationName ?? applicationName,
      connectionTimeoutMillis:
        connectTimeoutSeconds === null ? CONNECT_TIMEOUT_MS : connectTimeoutSeconds * 1000,
      // A server that vanished is noticed even while it owes no answer.
      keepAlive: !isSocket(host),
      keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    },
  };
}

function tlsOf({ sslMode, sslRootCert }: PostgresAddress, ca: string | null): ConnectionOptions | false {
  if (sslMode === 'disable') return false;
  if (sslMode === 'require') return { rejectUnauthorized: false };
  if (sslRootCert !== null && ca === null) throw new Error('The authorities of sslrootcert were not read.');
  const trusted = ca === null ? {} : { ca };
  // Else Node checks the name, too: the driver tells it the host.
  return sslMode === 'verify-ca' ? { ...trusted, checkServerIdentity: () => undefined } : trusted;
}

function passwordOf({ password }: PostgresTarget): Pick<ClientConfig, 'password'> {
  if (password === null) return {};
  return {
    password: async () => {
      const text = await password();
      if (text === null) throw new NoPasswordError('There is no password.');
      return text;
    },
  };
}
