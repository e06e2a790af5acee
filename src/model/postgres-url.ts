import type { UsageFacts } from './error-facts.ts';
import { UsageError } from './errors.ts';

/** A PostgreSQL database to connect to, and the schema in it. */
export interface PostgresTarget {
  /** A URL that {@link parsePostgresUrl} takes, without a password. */
  url: string;
  /**
   * Gets the password each time that the server asks for one; it may resolve to null if there is none. Null:
   * left to the driver, which reads PGPASSWORD and ~/.pgpass.
   */
  password: (() => Promise<string | null>) | null;
  /** The schema that holds the tables. */
  schema: string;
  /** PEM text of the certificate authorities that `sslrootcert` in the URL names; null if it names none. */
  ca: string | null;
}

/** A schema's name that is the same with and without quotes, and not one of PostgreSQL's own. */
export const SCHEMA_NAME = /^(?!pg_|information_schema$)[a-z_][a-z0-9_]{0,62}$/;
export const SCHEMA_NAME_RULE =
  'at most 63 lower-case letters, digits and underscores, beginning with a letter or an underscore, but not with pg_';

/** How far a connection is protected, in the words and with the meaning of libpq. */
export type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

/** The parts of a PostgreSQL URL. */
export interface PostgresAddress {
  /** A host name, an IP address without brackets, or the absolute path of a socket's folder. */
  host: string;
  port: number;
  user: string;
  password: string | null;
  database: string;
  sslMode: SslMode;
  /** The path of a file as the URL gives it, or `system`; null: the authorities that Node knows. */
  sslRootCert: string | null;
  /** Null: the program decides. */
  connectTimeoutSeconds: number | null;
  applicationName: string | null;
}

/** Instead of the path in `sslrootcert`: the authorities of the operating system. */
export const SYSTEM = 'system';
const MAX_LENGTH = 4096;
const MAX_TIMEOUT_SECONDS = 600;

const FORM = 'Write it as postgres://USER@HOST:PORT/DATABASE.';
const ENCODING = 'Characters such as / ? @ : % in a part of it must be percent-encoded.';

/** What people write for such a URL. As the path of a file it would silently make an SQLite file of that name. */
const MEANT = [
  /^\s*(?:jdbc:)?postgres(?:ql)?:/i,
  /^postgres(?:ql)?\/\//i,
  /^[^/@\s]+@[^/@\s]+:\d+\//,
  /(?:^|\s)(?:host|hostaddr|dbname)\s*=/,
];

/** Returns whether a text is meant as the URL of a PostgreSQL database, maybe a wrong one, not as the path of a file. */
export function isPostgresUrl(text: string): boolean {
  return MEANT.some((form) => form.test(text));
}

/**
 * Reads a `postgres://` or `postgresql://` URL with the meaning that libpq gives it, but user, host and
 * database must be there. A socket's folder is the parameter `host`, or the percent-encoded host. TLS is
 * verify-full by default, and off for a loopback host or a socket, which never has it.
 *
 * Throws UsageError, whose message never quotes a part that may hold a secret.
 */
export function parsePostgresUrl(text: string): PostgresAddress {
  const parts = /^postgres(?:ql)?:\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/is.exec(text);
  if (parts === null || text.length > MAX_LENGTH) throw refused('form', FORM);
  const [, authority = '', path = '', query = ''] = parts;
  const at = authority.lastIndexOf('@');
  const [user = '', ...password] = at === -1 ? [] : authority.slice(0, at).split(':');
  const parameters = parametersOf(query);
  const place = placeOf(authority.slice(at + 1), parameters);
  if (user === '') throw refused('user', `It names no user. ${FORM}`);
  if (path === '') throw refused('database', `It names no database. ${FORM}`);
  if (/[/@]/.test(path)) throw refused('database', `The name of the database is malformed. ${ENCODING}`);
  return {
    ...place,
    user: decoded(user),
    password: password.length === 0 ? null : decoded(password.join(':')),
    database: decoded(path),
    ...tlsOf(place.host, parameters),
    connectTimeoutSeconds: timeoutOf(parameters.get('connect_timeout')),
    applicationName: parameters.get('application_name') ?? null,
  };
}

/** Returns a URL with nothing between the user and the host; the rest of it stays as it is written. */
export function withoutPassword(url: string): string {
  return url.replace(/^([^:]+:\/\/[^:/?]*):[^/?]*(@[^@/?]*)/s, '$1$2');
}

/** Returns a URL with another file in `sslrootcert`, if it names one: `map` of the path there. */
export function withSslRootCert(url: string, map: (path: string) => string): string {
  return url.replace(/(?<=[?&]sslrootcert=)[^&]+/, (encoded) => {
    const path = decodeURIComponent(encoded);
    return path === SYSTEM ? encoded : encodeURIComponent(map(path)).replaceAll('%2F', '/');
  });
}

/** Names a database for people: `user@host:port/database`. */
export function nameOf({ user, host, port, database }: PostgresAddress): string {
  return `${user}@${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;
}

/** Returns whether a host, as {@link PostgresAddress} has it, is the folder of a socket. */
export function isSocket(host: string): boolean {
  return host.startsWith('/');
}

const PARAMETERS = ['host', 'port', 'sslmode', 'sslrootcert', 'connect_timeout', 'application_name'];

function parametersOf(query: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of query.split('&').filter((text) => text !== '')) {
    const [name = '', ...value] = pair.split('=');
    if (!PARAMETERS.includes(name)) {
      const shown = /^[a-z_]{1,40}$/.test(name) ? `parameter ${name}` : 'parameter';
      throw refused('parameter', `Its ${shown} is not supported. It may have ${PARAMETERS.join(', ')}.`);
    }
    if (value.join('=') === '') throw refused('parameter', `Its parameter ${name} is empty.`);
    parameters.set(name, decoded(value.join('=')));
  }
  return parameters;
}

function placeOf(
  hostport: string,
  parameters: ReadonlyMap<string, string>,
): Pick<PostgresAddress, 'host' | 'port'> {
  const [, bracketed, plain = '', given = ''] = /^(?:\[([\da-f:.]+)\]|([^:[\]]*))(?::(.*))?$/is.exec(
    hostport,
  ) ?? [undefined, undefined, hostport];
  const host = parameters.get('host') ?? bracketed ?? decoded(plain);
  if (`${host}${hostport}`.includes(',')) throw refused('hosts', 'It names several hosts. Name one of them.');
  if (host === '') throw refused('host', `It names no host. ${FORM}`);
  const isName = /^[\p{L}\p{N}._-]+$/u.test(host) || /^[\da-f:.]*:[\da-f:.]*$/i.test(host);
  if (!isName && !isSocket(host)) throw refused('host', `Its host is malformed. ${ENCODING}`);
  const port = parameters.get('port') ?? (given === '' ? '5432' : given);
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw refused('port', `Its port is not a number from 1 to 65535. ${ENCODING}`);
  }
  return { host, port: Number(port) };
}

function tlsOf(
  host: string,
  parameters: ReadonlyMap<string, string>,
): Pick<PostgresAddress, 'sslMode' | 'sslRootCert'> {
  const sslRootCert = parameters.get('sslrootcert') ?? null;
  const isLocal =
    isSocket(host) || host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
  const mode = parameters.get('sslmode') ?? (isLocal && sslRootCert === null ? 'disable' : 'verify-full');
  switch (mode) {
    case 'disable':
    case 'verify-full':
      break;
    case 'require':
    case 'verify-ca':
      if (sslRootCert === SYSTEM) {
        throw refused('sslmode', `sslrootcert=system proves nothing without sslmode=verify-full.`);
      }
      if (mode === 'verify-ca' && sslRootCert === null) {
        throw refused('sslmode', 'sslmode=verify-ca needs sslrootcert, the file of the authority to trust.');
      }
      break;
    case 'allow':
    case 'prefer':
      throw refused(
        'sslmode',
        `sslmode=${mode} goes on in the clear if TLS fails. Choose disable, require, verify-ca or verify-full.`,
      );
    default:
      throw refused('sslmode', 'Its sslmode is none of disable, require, verify-ca, verify-full.');
  }
  // As libpq does: a socket has no network to protect, and an authority that is given is asked.
  const sslMode = isSocket(host)
    ? 'disable'
    : mode === 'require' && sslRootCert !== null
      ? 'verify-ca'
      : mode;
  return { sslMode, sslRootCert };
}

function timeoutOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,3}$/.test(text) || Number(text) < 1 || Number(text) > MAX_TIMEOUT_SECONDS) {
    throw refused(
      'parameter',
      `Its connect_timeout is not a whole number of seconds from 1 to ${MAX_TIMEOUT_SECONDS}.`,
    );
  }
  return Number(text);
}

/** A control character would end a text of the protocol, and begin another one. */
function decoded(text: string): string {
  let plain: string;
  try {
    plain = decodeURIComponent(text);
  } catch {
    throw refused('form', `A part of it is malformed. ${ENCODING}`);
  }
  if (/\p{Cc}/u.test(plain)) throw refused('form', 'It holds a control character.');
  return plain;
}

function refused(why: UsageFacts['database_url_invalid']['why'], rest: string): UsageError {
  return new UsageError('database_url_invalid', { why }, `The URL of the database cannot be used. ${rest}`);
}
