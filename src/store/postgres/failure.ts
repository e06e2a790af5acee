import type { DatabaseFacts } from '../../model/error-facts.ts';
import { DatabaseError, type ErrorFacts, hasCode, TaskmirrorError } from '../../model/errors.ts';
import { NoPasswordError } from './target.ts';

/** What was going on when something failed. */
export type Phase = 'connecting' | 'connected';

type Simple = {
  [C in keyof DatabaseFacts]: { server: string } extends DatabaseFacts[C] ? C : never;
}[keyof DatabaseFacts];

type Family = readonly [sqlstate: RegExp, code: Simple, what: string];

/** The server has ended the session: 57P05 and 25P0x are limits on idle ones. */
const ENDED = /^(?:08...|57P0[1-5]|25P03|25P04)$/;
const LOST = 'the connection was lost; what was committed stays';

/** By SQLSTATE or its class (postgresql.org/docs/current/errcodes-appendix.html). */
const FAMILIES: readonly Family[] = [
  [/^57P03$/, 'server_starting', 'the server is starting up or shutting down'],
  [ENDED, 'connection_lost', LOST],
  [/^3D000$/, 'database_unknown', 'there is no such database'],
  [/^25006$/, 'server_read_only', 'the server only reads'],
  [/^53100$/, 'server_disk_full', 'the disk of the server is full; the last step was rolled back'],
  [/^53300$/, 'too_many_connections', 'the server has no connection left'],
  [/^(?:57014|55P03)$/, 'statement_timeout', 'the statement was cancelled, or over a time limit'],
  [/^(?:40001|40P01)$/, 'transaction_conflict', 'other transactions were in the way; nothing was written'],
  [/^(?:XX001|XX002|58...)$/, 'server_damaged', 'the database is damaged, or its disk fails'],
];

/**
 * Turns an error of the driver or the server into one that somebody can act on; returns any other error as it
 * is. `server` is the name of the {@link Destination}.
 */
export function explain(error: unknown, server: string, phase: Phase = 'connected'): unknown {
  if (!(error instanceof Error) || error instanceof TaskmirrorError) return error;
  const sqlstate = sqlStateOf(error);
  if (sqlstate === null) return explainDriver(error, server, phase);
  forgetRows(error);
  const says = `${server}: PostgreSQL says: ${error.message}`;
  if (sqlstate.startsWith('28')) {
    const why = error.message.includes('pg_hba.conf') ? 'not_admitted' : 'refused';
    return failed('login_refused', { server, why }, says, error);
  }
  if (sqlstate === '42501') {
    const message = `${server}: the role may not do this (${error.message})`;
    return failed('permission_denied', { server, of: deniedIn(error.message) }, message, error);
  }
  if (phase === 'connecting' && sqlstate.startsWith('08')) return explainPooler(error, server, says);
  const [, code, what] = FAMILIES.find(([pattern]) => pattern.test(sqlstate)) ?? [];
  if (code !== undefined) return failed(code, { server }, `${server}: ${what} (${error.message})`, error);
  return failed('postgres_failed', { server, sqlstate }, `${says} (${sqlstate})`, error);
}

/** A pooler says 08P01 for whatever keeps it from connecting. These words are PgBouncer's. */
function explainPooler(error: Error, server: string, says: string): unknown {
  if (/^(?:SASL|\S+) authentication failed|^no such user/.test(error.message)) {
    return failed('login_refused', { server, why: 'refused' }, says, error);
  }
  const code = error.message.startsWith('no such database') ? 'database_unknown' : 'server_unreachable';
  return failed(code, { server }, says, error);
}

function deniedIn(message: string): DatabaseFacts['permission_denied']['of'] {
  const [, kind] =
    /^(?:permission denied for|must be owner of) (database|schema|table|view|index)\b/.exec(message) ?? [];
  if (kind === 'database' || kind === 'schema') return kind;
  return kind === undefined ? null : 'table';
}

/** Returns the server's own code for a failure, or for the cause of ours; null if the server gave none. */
export function sqlStateOf(error: unknown): string | null {
  const cause = error instanceof DatabaseError ? error.cause : error;
  // Codes of sockets, such as EPIPE, can look like one.
  if (!(cause instanceof Error) || !('severity' in cause) || !('code' in cause)) return null;
  return typeof cause.code === 'string' ? cause.code : null;
}

/** Returns whether nothing was written, and the same transaction may well succeed now. */
export function isPassing(error: unknown): boolean {
  return hasCode(error, 'transaction_conflict') || /^(?:40001|40P01)$/.test(sqlStateOf(error) ?? '');
}

/**
 * Returns whether the server refused a value: the classes "data exception" and "program limit exceeded"
 * (postgresql.org/docs/current/errcodes-appendix.html).
 */
export function isOfValues(error: unknown): boolean {
  return /^(?:22|54)/.test(sqlStateOf(error) ?? '');
}

/** Returns whether the connection is of no more use after this error of the driver or the server. */
export function isFatal(error: unknown): boolean {
  const sqlstate = sqlStateOf(error);
  return sqlstate === null || ENDED.test(sqlstate);
}

function explainDriver(error: Error, server: string, phase: Phase): unknown {
  if (error instanceof NoPasswordError || /^SASL: .*password must be/.test(error.message)) {
    const message = `${server}: the server asks for a password, and there is none`;
    return failed('login_refused', { server, why: 'no_password' }, message, error);
  }
  if (error.message === 'Query read timeout') {
    const message = `${server}: the server did not answer in time`;
    return failed('statement_timeout', { server }, message, error);
  }
  const code = 'code' in error ? String(error.code) : '';
  const why = tlsFault(error.message, code);
  if (why !== null) {
    const message = `${server}: TLS failed, and no password was sent: ${TLS[why]} (${code || error.message})`;
    return failed('tls_failed', { server, why }, message, error);
  }
  if (!isOfSocket(error.message, code)) return error;
  if (phase === 'connected') return failed('connection_lost', { server }, `${server}: ${LOST}`, error);
  const message = `${server}: the server cannot be reached (${code || error.message})`;
  return failed('server_unreachable', { server }, message, error);
}

const TLS: Readonly<Record<DatabaseFacts['tls_failed']['why'], string>> = {
  not_offered: 'the server does not offer it',
  issuer: 'no authority that is trusted has signed the certificate of the server',
  name: 'the certificate of the server has another name',
  expired: 'the certificate of the server is not valid now',
  other: 'the two sides do not agree',
};

function tlsFault(message: string, code: string): DatabaseFacts['tls_failed']['why'] | null {
  if (message === 'The server does not support SSL connections') return 'not_offered';
  if (message === 'There was an error establishing an SSL connection') return 'other';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'name';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'expired';
  if (/SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|^CERT_/.test(code)) return 'issuer';
  return /^ERR_(?:SSL|TLS|OSSL)|^EPROTO$/.test(code) ? 'other' : null;
}

/** The driver has words but no code for what it notices by itself. */
const OF_DRIVER =
  /^(?:Connection terminated|timeout expired|Client has encountered a connection error|Client was closed)/;

function isOfSocket(message: string, code: string): boolean {
  return /^(?:E[A-Z_]{3,}|ERR_STREAM_\w+|ERR_SOCKET_\w+)$/.test(code) || OF_DRIVER.test(message);
}

function failed<C extends keyof DatabaseFacts>(
  code: C,
  facts: ErrorFacts[C],
  message: string,
  cause: Error,
): DatabaseError<C> {
  return new DatabaseError(code, facts, message, { cause });
}

/** The server's details quote rows, and a log must not hold what the mirror may not. */
function forgetRows(error: Error): void {
  for (const field of ['detail', 'where', 'internalQuery']) Reflect.deleteProperty(error, field);
}
