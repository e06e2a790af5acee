import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';

import { ApiFailedError, KeyRefusedError, PageFailedError } from '../../../src/model/errors.ts';
import { apiError, EMPTY_LIST, json, KEY, startScript, testSource, type Loopback } from './loopback.ts';
import { toldBy } from '../../support/told.ts';

const PAGE = { offset: 0, limit: 100 };
const context = () => ({ signal: new AbortController().signal });
const GOOD = json(200, EMPTY_LIST);

const servers: Loopback[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
async function script(...steps: Parameters<typeof startScript>): Promise<Loopback> {
  const server = await startScript(...steps);
  servers.push(server);
  return server;
}
const send = (body: string | Uint8Array, headers: Record<string, string>) => (response: ServerResponse) =>
  void response.writeHead(200, headers).end(body);

const send404 = (body: string) => (response: ServerResponse) => void response.writeHead(404).end(body);
const closing = (request: IncomingMessage) =>
  new Promise<boolean>((resolve) => request.socket.once('close', () => resolve(true)));

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n';

describe('a request', () => {
  test('is a GET with the key, what we accept and who we are, below the path of the base URL', async () => {
    const { url, requests } = await script(GOOD);
    const { source } = testSource(`${url}/prefix/`);
    await source.list({ offset: 200, limit: 50 }, context());
    expect(requests.map(({ method, url: path }) => `${method} ${path}`)).toEqual([
      'GET /prefix/api/v1/tasks?limit=50&offset=200',
    ]);
    expect(requests[0]?.headers).toMatchObject({
      authorization: 'Bearer sigmic_0123456789abcdef',
      accept: 'application/json',
      'user-agent': 'taskmirror/test',
    });
  });

  test('tells when the server answered, by the clock of the server', async () => {
    const { url } = await script(json(200, EMPTY_LIST, { date: 'Wed, 21 Oct 2015 07:28:00 GMT' }));
    const page = await testSource(url).source.list(PAGE, context());
    expect(page.servedAt).toBe(Date.UTC(2015, 9, 21, 7, 28));
  });

  test('has no time if the server sends no readable one', async () => {
    const { url } = await script(json(200, EMPTY_LIST, { date: 'yesterday' }));
    const page = await testSource(url).source.list(PAGE, context());
    expect(page.servedAt).toBeNull();
  });
});

describe('a broken answer is repeated', () => {
  const list = JSON.stringify(EMPTY_LIST);
  const cut = gzipSync(list.repeat(50)).subarray(0, -40);
  const faults: [string, (response: ServerResponse, request: IncomingMessage) => void, RegExp][] = [
    [
      'HTML',
      send('<!doctype html><p>hi', { 'content-type': 'text/html' }),
      /text\/html, begins with: <!doctype html>/,
    ],
    ['an empty body', send('', {}), /not the expected JSON/],
    [
      'JSON of another shape',
      json(200, { success: true, data: {} }),
      /data: expected an array; pagination: expected/,
    ],
    ['success: false', json(200, { ...EMPTY_LIST, success: false }), /success: expected true/],
    ['JSON that ends early', send(list.slice(0, -5), {}), /characters that do not parse/],
    ['a gzip body that ends early', send(cut, { 'content-encoding': 'gzip' }), /Z_BUF_ERROR|do not parse/],
    ['a gzip body that is none', send('plain', { 'content-encoding': 'gzip' }), /Z_DATA_ERROR/],
    [
      'a body in brotli, which nobody asked for',
      send(brotliCompressSync(list), { 'content-type': 'application/json', 'content-encoding': 'br' }),
      /\(application\/json, encoded as br\)/,
    ],
    [
      'a body in deflate, which nobody asked for',
      send(deflateSync(list), { 'content-encoding': 'Deflate' }),
      /\(no content type, encoded as deflate\)/,
    ],
    ['a body that was packed twice', send(list, { 'content-encoding': 'gzip, br' }), /encoded as gzip, br\)/],
    ['bytes that are not UTF-8', send(Buffer.from('{"a":"\xff"}', 'latin1'), {}), /not UTF-8/],
    ['a connection reset', (_response, request) => void request.socket.resetAndDestroy(), /ECONNRESET/],
    [
      'a connection closed without an answer',
      (_response, request) => void request.socket.destroy(),
      /ECONNRESET/,
    ],
    [
      'another protocol instead of an answer',
      (_response, request) => void request.socket.end(SWITCHING),
      /ECONNRESET/,
    ],
    ['an answer that is not HTTP', (_response, request) => void request.socket.end('hello\r\n\r\n'), /HTTP/],
    [
      'a connection closed within the body',
      (response, request) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"success":', () => request.socket.destroy());
      },
      /ECONNRESET/,
    ],
  ];
  test.each(faults)('%s', async (_what, fault, cause) => {
    const { url, requests } = await script(fault, GOOD);
    const { source, lines } = testSource(url);
    await source.list(PAGE, context());
    expect(requests).toHaveLength(2);
    expect(lines.map((line) => line.fields)).toEqual([
      expect.objectContaining({ cause: expect.stringMatching(cause) }),
    ]);
  });

  test('a body in an encoding that nobody asked for: the hint says who has to act, and no key is shown', async () => {
    const { url } = await script(send('{}', { 'content-encoding': KEY }));
    const failure = testSource(url, { retryMs: 0 }).source.list(PAGE, context());
    expect(await toldBy(failure)).toMatchObject({
      message: expect.stringContaining('encoded as [redacted]'),
      hint: expect.stringMatching(/^taskmirror accepts gzip or no compression/),
    });
  });

  test('a long page of HTML, of which only the beginning is shown', async () => {
    const { url } = await script(send(`<p>${'x'.repeat(100_000)}`, { 'content-type': 'text/html' }));
    const failure: unknown = await testSource(url, { retryMs: 0 }).source.list(PAGE, context()).catch(String);
    expect(failure).toMatch(/begins with: <p>x{50,250}…\)\.$/);
  });

  test('a port that nobody listens on', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    probe.close();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { source, clock } = testSource(`http://127.0.0.1:${port}`, { retryMs: 20_000 });
    await expect(source.list(PAGE, context())).rejects.toThrow(/ECONNREFUSED/);
    expect(clock.waits.length).toBeGreaterThan(0);
  });

  test('another task than the one that was asked for', async () => {
    const detail = { id: 'other', status: 'x', message: '', apiKeyId: '', username: '', sessionId: '' };
    const more = {
      conversationId: '',
      showInHistory: true,
      autoExecute: true,
      createdAt: '2026-01-01T00:00:00Z',
    };
    const { url, requests } = await script(json(200, { success: true, data: { ...detail, ...more } }));
    const { source } = testSource(url, { retryMs: 20_000 });
    await expect(source.get('asked', context())).rejects.toThrow('a different task than the one requested');
    expect(requests.length).toBeGreaterThan(1);
  });
});

describe('a body is read', () => {
  test.each([
    ['gzip', gzipSync(JSON.stringify(EMPTY_LIST))],
    ['x-gzip', gzipSync(JSON.stringify(EMPTY_LIST))],
    [' X-GZip ', gzipSync(JSON.stringify(EMPTY_LIST))],
    ['identity', JSON.stringify(EMPTY_LIST)],
    ['', JSON.stringify(EMPTY_LIST)],
  ])('with Content-Encoding %j', async (encoding, bytes) => {
    const { url } = await script(send(bytes, { 'content-encoding': encoding }));
    expect(await testSource(url, { retryMs: 0 }).source.list(PAGE, context())).toMatchObject({ rows: [] });
  });

  test('of an error, with Content-Encoding x-gzip', async () => {
    const body = gzipSync(
      JSON.stringify({ success: false, error: { code: 'INVALID_API_KEY', message: 'no' } }),
    );
    const { url } = await script(
      (response) => void response.writeHead(401, { 'content-encoding': 'x-gzip' }).end(body),
    );
    await expect(testSource(url).source.list(PAGE, context())).rejects.toBeInstanceOf(KeyRefusedError);
  });

  test('not of an error in an encoding that nobody asked for: its name is shown', async () => {
    const { url } = await script(
      (response) => void response.writeHead(500, { 'content-encoding': 'br' }).end(brotliCompressSync('{}')),
    );
    await expect(testSource(url, { retryMs: 0 }).source.list(PAGE, context())).rejects.toThrow(
      'HTTP 500 (no content type, encoded as br)',
    );
  });
});

describe('an answer that takes too long', () => {
  test('is given up when the time for an attempt is over, and repeated', async () => {
    const begun = Promise.withResolvers<void>();
    const { url, requests } = await script((response) => {
      response.writeHead(200);
      response.write('{"success"', () => begun.resolve());
    }, GOOD);
    const { source, clock, lines } = testSource(url);
    const page = source.list(PAGE, context());
    await begun.promise;
    clock.expireTimeouts();
    await expect(page).resolves.toMatchObject({ rows: [] });
    expect(requests).toHaveLength(2);
    expect(lines[0]?.fields).toMatchObject({ cause: 'no complete answer within 30000 ms' });
    expect(clock.timeouts[0]).toBe(30_000);
  });

  test('counts with its whole length against the time for all attempts', async () => {
    const { url, requests } = await script(() => clock.expireTimeouts());
    const { source, clock } = testSource(url, { requestTimeoutMs: 30_000, retryMs: 70_000 });
    await expect(source.list(PAGE, context())).rejects.toThrow('tried 3 times in 70.');
    expect(requests).toHaveLength(3);
    expect(clock.timeouts.slice(0, 2)).toEqual([30_000, 30_000]);
    expect(clock.timeouts[2]).toBeLessThan(10_000);
  });
});

describe('a refused key', () => {
  test.each([
    [401, 'INVALID_API_KEY'],
    [403, 'FORBIDDEN'],
  ])(
    'HTTP %i fails at once and says which source, which setting, and what the API said',
    async (status, code) => {
      const { url, requests } = await script(apiError(status, code, 'This key is not known'));
      const failure = testSource(url).source.list(PAGE, context());
      await expect(failure).rejects.toBeInstanceOf(KeyRefusedError);
      expect(await toldBy(failure)).toMatchObject({
        exitCode: 4,
        message: `Source "default": the API refused the key from environment variable SIGMIC_API_KEY: HTTP ${status} (${code}: This key is not known).`,
        hint: `Put a key that is valid for ${url} into environment variable SIGMIC_API_KEY.`,
      });
      expect(requests).toHaveLength(1);
    },
  );
});

describe('a redirect', () => {
  test.each([301, 302, 303, 307, 308])(
    'HTTP %i is not followed, and the key goes nowhere else',
    async (status) => {
      const other = await script(GOOD);
      const { url, requests } = await script((response) => {
        response.writeHead(status, { location: `${other.url}/secret/path?token=1` }).end('moved');
      });
      const failure = testSource(url).source.list(PAGE, context());
      await expect(failure).rejects.toBeInstanceOf(ApiFailedError);
      await expect(failure).rejects.toThrow(`a redirect to ${new URL(other.url).host}.`);
      expect(await toldBy(failure)).toMatchObject({ hint: expect.stringContaining('Correct the base URL') });
      expect(other.requests).toEqual([]);
      expect(requests).toHaveLength(1);
    },
  );
});

describe('a redirect within the host', () => {
  test('is not followed either', async () => {
    const { url, requests } = await script(
      (response) => void response.writeHead(308, { location: '/login' }).end(),
    );
    await expect(testSource(url).source.get('a', context())).rejects.toThrow('another path of the same host');
    expect(requests).toHaveLength(1);
  });
});

describe('a 404', () => {
  test('of the list points at the base URL', async () => {
    const { url } = await script(apiError(404, 'NOT_FOUND'));
    const failure = testSource(url).source.list(PAGE, context());
    expect(await toldBy(failure)).toMatchObject({ exitCode: 5, hint: expect.stringContaining(url) });
  });

  test('of one task says that it is gone, also if its body begins with a byte order mark', async () => {
    const body = JSON.stringify({ success: false, error: { code: 'NOT_FOUND', message: 'no' } });
    const { url } = await script(send404(`\u{FEFF}${body}`));
    expect(await testSource(url).source.get('a', context())).toBeNull();
  });

  test.each([
    ['HTML', send404('<h1>Not Found</h1>')],
    ['another error', send404('{"error":{"code":"404","message":"The page could not be found"}}')],
  ])(
    'of one task that is not from the API (%s) is a failure, no proof that the task is gone',
    async (_what, step) => {
      const { url } = await script(step);
      await expect(testSource(url).source.get('a', context())).rejects.toBeInstanceOf(ApiFailedError);
    },
  );
});

describe('an abort', () => {
  test('during a request closes its connection and rejects with the reason', async () => {
    const arrived = Promise.withResolvers<IncomingMessage>();
    const { url } = await script((_response, request) => arrived.resolve(request));
    const controller = new AbortController();
    const page = testSource(url).source.list(PAGE, { signal: controller.signal });
    const closed = closing(await arrived.promise);
    const reason = new Error('stop');
    controller.abort(reason);
    await expect(page).rejects.toBe(reason);
    expect(await closed).toBe(true);
  });

  test('within the body of an error rejects with the reason, not with the error', async () => {
    const begun = Promise.withResolvers<void>();
    const { url } = await script((response) => {
      response.writeHead(401);
      response.write('{', () => begun.resolve());
    });
    const controller = new AbortController();
    const page = testSource(url).source.list(PAGE, { signal: controller.signal });
    await begun.promise;
    controller.abort('a reason that is no error');
    await expect(page).rejects.toBe('a reason that is no error');
  });

  test('while waiting to repeat a request rejects with the reason, and nothing more is sent', async () => {
    const { url, requests } = await script(apiError(503, 'BUSY'));
    const controller = new AbortController();
    const reason = new Error('stop');
    const { source, clock } = testSource(url, {
      log: { debug() {}, info() {}, error() {}, warn: () => queueMicrotask(() => controller.abort(reason)) },
    });
    clock.hold();
    await expect(source.list(PAGE, { signal: controller.signal })).rejects.toBe(reason);
    expect(clock.waits).toEqual([250]);
    expect(requests).toHaveLength(1);
  });
});

describe('a body that is too large is not asked for again: it would be as large', () => {
  test('a gzip bomb, which is cut off at 32 MB', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 ** 2, ' '), { level: 1 });
    const { url, requests } = await script(send(bomb, { 'content-encoding': 'gzip' }), GOOD);
    const failure = await testSource(url)
      .source.list(PAGE, context())
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PageFailedError);
    expect(failure).toMatchObject({ isTooLarge: true, message: expect.stringContaining('more than 32 MB') });
    expect(requests).toHaveLength(1);
  });

  test('an endless one, whose connection is closed at 32 MB', async () => {
    const chunk = Buffer.alloc(1024 ** 2, ' ');
    let closed: Promise<boolean> | undefined;
    const { url } = await script((response, request) => {
      closed = closing(request);
      const pour = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', pour);
      pour();
    }, GOOD);
    await expect(testSource(url).source.list(PAGE, context())).rejects.toBeInstanceOf(PageFailedError);
    expect(await closed).toBe(true);
  });
});
