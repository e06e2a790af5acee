import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/model/errors.ts';
import {
  isPostgresUrl,
  nameOf,
  parsePostgresUrl,
  type PostgresAddress,
  SCHEMA_NAME,
  withoutPassword,
  withSslRootCert,
} from '../../src/model/postgres-url.ts';

const PLAIN: PostgresAddress = {
  host: 'db.example',
  port: 5432,
  user: 'me',
  password: null,
  database: 'tasks',
  sslMode: 'verify-full',
  sslRootCert: null,
  connectTimeoutSeconds: null,
  applicationName: null,
};

function refusal(url: string): UsageError {
  try {
    parsePostgresUrl(url);
  } catch (error) {
    if (error instanceof UsageError) return error;
  }
  throw new Error(`${url} was not refused`);
}

describe('the URL of a PostgreSQL database', () => {
  test.each<[string, Partial<PostgresAddress>]>([
    ['postgres://me@db.example/tasks', {}],
    ['postgresql://me@db.example/tasks', {}],
    ['POSTGRES://me@db.example:6432/tasks', { port: 6432 }],
    ['postgres://me:p%2F%40%3Aw@db.example/tasks', { password: 'p/@:w' }],
    ['postgres://me:a:b@c@db.example/tasks', { password: 'a:b@c' }],
    ['postgres://me:@db.example/tasks', { password: '' }],
    ['postgres://m%C3%A9@db.example/t%20s', { user: 'mé', database: 't s' }],
    ['postgres://me@[2001:db8::1]:6432/tasks', { host: '2001:db8::1', port: 6432 }],
    ['postgres://me@db.example/tasks?sslmode=disable', { sslMode: 'disable' }],
    ['postgres://me@db.example/tasks?sslmode=require', { sslMode: 'require' }],
    ['postgres://me@db.example/tasks?sslrootcert=ca.pem', { sslRootCert: 'ca.pem' }],
    ['postgres://me@db.example/tasks?sslrootcert=system', { sslRootCert: 'system' }],
    ['postgres://me@db.example/tasks?connect_timeout=3', { connectTimeoutSeconds: 3 }],
    ['postgres://me@db.example/tasks?application_name=a%20b', { applicationName: 'a b' }],
    // As libpq does: an authority that is given is asked.
    [
      'postgres://me@db.example/tasks?sslmode=require&sslrootcert=a',
      { sslMode: 'verify-ca', sslRootCert: 'a' },
    ],
  ])('%s', (url, more) => {
    expect(parsePostgresUrl(url)).toEqual({ ...PLAIN, ...more });
  });

  test.each([
    ['postgres://me@localhost/tasks', 'localhost', 'disable'],
    ['postgres://me@127.0.0.1/tasks', '127.0.0.1', 'disable'],
    ['postgres://me@[::1]/tasks', '::1', 'disable'],
    ['postgres://me@localhost/tasks?sslrootcert=ca.pem', 'localhost', 'verify-full'],
    ['postgres://me@localhost/tasks?sslmode=verify-full', 'localhost', 'verify-full'],
    ['postgres://me@localhost.example/tasks', 'localhost.example', 'verify-full'],
    ['postgres://me@/tasks?host=/var/run/postgresql', '/var/run/postgresql', 'disable'],
    ['postgres://me@%2Fvar%2Frun%2Fpostgresql/tasks?sslmode=require', '/var/run/postgresql', 'disable'],
  ])('%s: TLS is verified unless nothing leaves this machine', (url, host, sslMode) => {
    expect(parsePostgresUrl(url)).toMatchObject({ host, sslMode });
  });

  test('has the port of a socket where libpq has it', () => {
    expect(parsePostgresUrl('postgres://me@:6432/tasks?host=/run')).toMatchObject({
      host: '/run',
      port: 6432,
    });
    expect(parsePostgresUrl('postgres://me@%2Frun:6432/tasks')).toMatchObject({ host: '/run', port: 6432 });
    expect(parsePostgresUrl('postgres://me@/tasks?host=/run&port=6432')).toMatchObject({ port: 6432 });
  });

  test.each([
    ['postgres://db.example/tasks', 'user', 'names no user'],
    ['postgres://:pw@db.example/tasks', 'user', 'names no user'],
    ['postgres://me@/tasks', 'host', 'names no host'],
    ['postgres://me@db.example', 'database', 'names no database'],
    ['postgres://me@db.example/', 'database', 'names no database'],
    ['postgres://me@a,b/tasks', 'hosts', 'several hosts'],
    ['postgres://me@a:1,b:2/tasks', 'hosts', 'several hosts'],
    ['postgres://me@/tasks?host=a,b', 'hosts', 'several hosts'],
    ['postgres://me@db.example:0/tasks', 'port', 'port'],
    ['postgres://me@db.example:65536/tasks', 'port', 'port'],
    ['postgres://me@db example/tasks', 'host', 'host is malformed'],
    ['postgres://me@db.example/tasks?sslmode=prefer', 'sslmode', 'goes on in the clear'],
    ['postgres://me@db.example/tasks?sslmode=allow', 'sslmode', 'goes on in the clear'],
    ['postgres://me@db.example/tasks?sslmode=no-verify', 'sslmode', 'none of disable'],
    ['postgres://me@db.example/tasks?sslmode=verify-ca', 'sslmode', 'needs sslrootcert'],
    ['postgres://me@db.example/tasks?sslmode=require&sslrootcert=system', 'sslmode', 'proves nothing'],
    ['postgres://me@db.example/tasks?options=-c%20x', 'parameter', 'parameter options is not supported'],
    ['postgres://me@db.example/tasks?sslmode=', 'parameter', 'is empty'],
    ['postgres://me@db.example/tasks?connect_timeout=0', 'parameter', 'connect_timeout'],
    ['postgres://me@db.example/%zz', 'form', 'percent-encoded'],
    ['postgres://me%00user%00root@db.example/tasks', 'form', 'control character'],
    ['mysql://me@db.example/tasks', 'form', 'postgres://USER@HOST'],
  ])('%s is refused', (url, why, message) => {
    const error = refusal(url);
    expect([error.code, error.facts]).toEqual(['database_url_invalid', { why }]);
    expect(error.message).toContain(message);
  });

  test.each([
    // Each has a password that was not percent-encoded.
    'postgres://me:hid/den@db.example/tasks',
    'postgres://me:hid?den@db.example/tasks',
    'postgres://me:12/hidden@db.example/tasks',
    'postgres://me:%zzhidden@db.example/tasks',
    'postgres://me@db.example/tasks?hidden=hidden1',
    'postgres://me@db.example/tasks?password=hidden',
    'postgres://me:hidden@/tasks',
    'postgres://me:hidden@db.example:x/tasks',
  ])('%s is refused without quoting a secret', (url) => {
    const { message, facts } = refusal(url);
    expect(JSON.stringify([message.replace('parameter hidden', ''), facts])).not.toContain('hid');
  });

  test('is told from the name of a file', () => {
    expect(['postgres://x', 'postgresql://x', 'Postgres://x'].every(isPostgresUrl)).toBe(true);
    expect(['./postgres', 'x/postgres://', 'mypostgres://x', 'a@b/c.db', 'x:1.db'].some(isPostgresUrl)).toBe(
      false,
    );
  });

  test.each([
    'postgres:/me:hidden@db.example/tasks',
    'postgres:me:hidden@db.example/tasks',
    'postgres//me:hidden@db.example/tasks',
    ' postgres://me:hidden@db.example/tasks',
    'jdbc:postgresql://db.example/tasks?user=me&password=hidden',
    'me:hidden@db.example:5432/tasks',
    'host=db.example dbname=tasks user=me password=hidden',
  ])('%s is taken for a mistake, never for the name of a file', (text) => {
    expect(isPostgresUrl(text)).toBe(true);
    expect(refusal(text)).toMatchObject({
      facts: { why: 'form' },
      message: 'The URL of the database cannot be used. Write it as postgres://USER@HOST:PORT/DATABASE.',
    });
  });

  test.each([
    [
      'postgres://me:hidden@db.example/tasks?sslmode=require',
      'postgres://me@db.example/tasks?sslmode=require',
    ],
    ['postgres://me:a:b@c@db.example:1/tasks', 'postgres://me@db.example:1/tasks'],
    ['postgres://me@db.example:5432/tasks', 'postgres://me@db.example:5432/tasks'],
    ['postgres://me:hidden@:1/tasks?host=/run', 'postgres://me@:1/tasks?host=/run'],
    ['postgres://me@[::1]:1/tasks', 'postgres://me@[::1]:1/tasks'],
  ])('%s loses its password and nothing else', (url, expected) => {
    expect(withoutPassword(url)).toBe(expected);
  });

  test('is given another file of authorities, and keeps the rest', () => {
    const url = 'postgres://me@db.example/tasks?sslmode=verify-ca&sslrootcert=my%20ca.pem';
    expect(withSslRootCert(url, (path) => `/etc/${path}`)).toBe(
      'postgres://me@db.example/tasks?sslmode=verify-ca&sslrootcert=/etc/my%20ca.pem',
    );
    const system = 'postgres://me@db.example/tasks?sslrootcert=system';
    expect(withSslRootCert(system, () => 'no')).toBe(system);
  });

  test('has a name for people', () => {
    expect(nameOf(parsePostgresUrl('postgres://me:hidden@[::1]/tasks'))).toBe('me@[::1]:5432/tasks');
  });
});

test('the name of a schema needs no quotes and is none of PostgreSQL', () => {
  const names = [
    'taskmirror',
    '_a',
    'a'.repeat(63),
    'Mirror',
    'a-b',
    '1a',
    'pg_x',
    'information_schema',
    'ä',
    '',
    'a'.repeat(64),
  ];
  expect(names.filter((name) => SCHEMA_NAME.test(name))).toEqual(['taskmirror', '_a', 'a'.repeat(63)]);
});
