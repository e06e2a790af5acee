import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { DatabaseFacts } from '../../../src/model/error-facts.ts';
import { DatabaseError } from '../../../src/model/errors.ts';
import type { PostgresTarget } from '../../../src/model/postgres-url.ts';
import { connect } from '../../../src/store/postgres/connection.ts';
import { type Certificate, certificate } from '../../support/certificates.ts';
import { describeWithOwnServer, execute, ownServer, targetOf } from '../../support/postgres/server.ts';
import type { Server } from '../../support/postgres/start.ts';

const authority = certificate({ name: 'authority' });
const stranger = certificate({ name: 'stranger' });

/** Whether the server says that the connection has TLS. */
async function usesTls(url: string, more: Partial<PostgresTarget> = {}): Promise<boolean> {
  const database = connect(targetOf(url, more));
  onTestFinished(() => database.end());
  const [row] = await database.query<{ ssl: boolean }>(
    'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
  );
  return row?.ssl === true;
}

async function failure(
  url: string,
  more: Partial<PostgresTarget> = {},
): Promise<{ code: string; facts: Partial<DatabaseFacts['tls_failed']> }> {
  const error = await usesTls(url, more).catch((reason: unknown) => reason);
  if (!(error instanceof DatabaseError)) throw new Error('no DatabaseError', { cause: error });
  return { code: error.code, facts: error.facts };
}

const tlsFailed = (why: DatabaseFacts['tls_failed']['why']): object => ({
  code: 'tls_failed',
  facts: { why },
});

describeWithOwnServer('TLS to a server of PostgreSQL', () => {
  let server: Server;
  const at = (host: string, parameters: string, user = 'postgres'): string =>
    `postgres://${user}@${host}:${server.port}/postgres?${parameters}`;
  const ca = { ca: authority.pem };

  beforeAll(async () => {
    const { pem, keyPem } = certificate({ name: 'server', hosts: ['localhost'], issuer: authority });
    server = await ownServer({
      settings: ['ssl = on'],
      files: { 'server.crt': pem, 'server.key': keyPem },
      access: ['hostnossl all tls_only 127.0.0.1/32 reject'],
    });
  });

  test('is made and verified', async () => {
    expect(await usesTls(at('localhost', 'sslmode=verify-full&sslrootcert=x'), ca)).toBe(true);
    expect(await usesTls(at('localhost', 'sslrootcert=x'), ca)).toBe(true);
    expect(await usesTls(at('localhost', ''))).toBe(false);
  });

  test('is refused to a certificate with another name, and verify-ca lets it pass', async () => {
    expect(await failure(at('127.0.0.1', 'sslmode=verify-full&sslrootcert=x'), ca)).toMatchObject(
      tlsFailed('name'),
    );
    expect(await usesTls(at('127.0.0.1', 'sslmode=verify-ca&sslrootcert=x'), ca)).toBe(true);
  });

  test('is refused to a certificate of an unknown authority', async () => {
    const strange = { ca: stranger.pem };
    expect(await failure(at('localhost', 'sslmode=verify-full'))).toMatchObject(tlsFailed('issuer'));
    for (const mode of ['verify-full', 'verify-ca', 'require']) {
      expect(await failure(at('localhost', `sslmode=${mode}&sslrootcert=x`), strange)).toMatchObject(
        tlsFailed('issuer'),
      );
    }
  });

  test('with sslmode=require takes any certificate', async () => {
    expect(await usesTls(at('127.0.0.1', 'sslmode=require'))).toBe(true);
  });

  test('is what a server may demand', async () => {
    await execute(server.url, 'create role tls_only login');
    expect(await usesTls(at('localhost', 'sslmode=require', 'tls_only'))).toBe(true);
    expect(await failure(at('localhost', 'sslmode=disable', 'tls_only'))).toMatchObject({
      code: 'login_refused',
      facts: { why: 'not_admitted' },
    });
  });

  test('cannot be made to a server without it', async () => {
    const plain = await ownServer();
    const url = `postgres://postgres@127.0.0.1:${plain.port}/postgres?sslmode=require`;
    expect(await failure(url)).toMatchObject(tlsFailed('not_offered'));
  });
});

/**
 * Answers the first message of a client with `answer`, by TLS from then on if it has a certificate, and hangs up at the
 * next message. `heard`: all that it was sent; `asked`: how often the client looked for its password.
 */
async function listener(
  answer: string,
  { pem, keyPem }: Partial<Certificate> = {},
): Promise<{
  heard: () => Buffer;
  asked: () => number;
  target: (parameters: string) => PostgresTarget;
}> {
  const chunks: Buffer[] = [];
  let asked = 0;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.once('data', (first) => {
      chunks.push(first);
      socket.write(answer);
      const rest =
        pem === undefined ? socket : new TLSSocket(socket, { isServer: true, cert: pem, key: keyPem });
      rest.on('error', () => {});
      rest.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        rest.destroy();
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    heard: () => Buffer.concat(chunks),
    asked: () => asked,
    target: (parameters) => ({
      url: `postgres://me@127.0.0.1:${port}/tasks?${parameters}`,
      password: async () => {
        asked += 1;
        return 'hidden';
      },
      schema: 'taskmirror',
      ca: authority.pem,
    }),
  };
}

/** What a client sends to ask for TLS, and all that it may send in the clear. */
const REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
/** What a server sends to ask for a password in the clear. */
const ASK_FOR_PASSWORD = 'R\0\0\0\b\0\0\0\x03';

describe('where TLS is demanded, nothing is said without it', () => {
  test.each([
    ['has none', 'N', 'not_offered'],
    ['asks for the password in its place', ASK_FOR_PASSWORD, 'other'],
    ['sends more than the agreement', `S${ASK_FOR_PASSWORD}`, 'other'],
    ['answers nonsense', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'other'],
  ] as const)('to a server that %s', async (_what, answer, why) => {
    const { target, heard, asked } = await listener(answer);
    for (const mode of ['require', 'verify-full']) {
      const { url, ...more } = target(`sslmode=${mode}`);
      expect(await failure(url, more)).toMatchObject(tlsFailed(why));
    }
    expect(heard()).toEqual(Buffer.concat([REQUEST, REQUEST]));
    expect(asked()).toBe(0);
  });

  test.each([
    ['of a stranger', { issuer: stranger, hosts: ['127.0.0.1'] }, 'issuer'],
    ['with another name', { issuer: authority, hosts: ['db.example'] }, 'name'],
    ['that has expired', { issuer: authority, hosts: ['127.0.0.1'], until: new Date(0) }, 'expired'],
  ] as const)('nor to one with a certificate %s', async (_what, options, why) => {
    const { target, heard, asked } = await listener('S', certificate({ name: 'server', ...options }));
    const { url, ...more } = target('sslmode=verify-full&sslrootcert=x');
    expect(await failure(url, more)).toMatchObject(tlsFailed(why));
    expect(heard()).toEqual(REQUEST);
    expect(asked()).toBe(0);
  });

  test('and to the right one it is', async () => {
    const right = certificate({ name: 'server', issuer: authority, hosts: ['127.0.0.1'] });
    const { target, heard } = await listener('S', right);
    const { url, ...more } = target('sslmode=verify-full&sslrootcert=x');
    expect(await failure(url, more)).toMatchObject({ code: 'server_unreachable' });
    expect(heard().toString('latin1')).toContain('user\0me\0database\0tasks');
  });
});
