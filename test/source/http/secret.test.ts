import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';

import { UsageError } from '../../../src/model/errors.ts';
import { apiError, json, KEY, startScript, testSource, type Loopback } from './loopback.ts';

let server: Loopback | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Everything that can be got out of an error: message, hint, stack, causes, hidden properties. */
const all = (error: unknown) => inspect(error, { depth: null, showHidden: true, maxStringLength: null });

describe('the key is in no error and no log line', () => {
  const padding = 'x'.repeat(290);
  test.each<[string, Parameters<typeof startScript>[0]]>([
    ['a refusal that repeats it', apiError(401, KEY, `The key ${KEY} is not known`)],
    ['a refusal that repeats it where the message is cut', apiError(403, 'FORBIDDEN', padding + KEY)],
    ['a bad request that repeats the headers', apiError(400, 'X', `authorization: Bearer ${KEY}`)],
    ['an error that is repeated', apiError(503, 'X', `${KEY} ${KEY}`)],
    [
      'a redirect to a host of its name',
      (response) => void response.writeHead(302, { location: `//${KEY}.example/` }).end(),
    ],
    [
      'a redirect to a whole URL',
      (response) => void response.writeHead(302, { location: `http://${KEY}@${KEY}/` }).end(),
    ],
    ['a page of HTML', (response) => void response.writeHead(200).end(`<p>${'\u0001'.repeat(990)}${KEY}`)],
    ['a content type', (response) => void response.writeHead(200, { 'content-type': `x/${KEY}` }).end('x')],
    ['JSON of another shape', json(200, { success: KEY, data: KEY, pagination: KEY })],
    ['JSON that ends early', (response) => void response.writeHead(200).end(`{"a":"${KEY}" ${KEY}`)],
    [
      'an answer that is not HTTP',
      (_response, request) => void request.socket.end(`HTTP/1.1 ${KEY}\r\n\r\n`),
    ],
    ['a closed connection', (_response, request) => void request.socket.destroy()],
  ])('%s', async (_what, step) => {
    server = await startScript(step);
    const { source, lines } = testSource(server.url, { retryMs: 2000 });
    const context = { signal: new AbortController().signal };
    for (const ask of [() => source.list({ offset: 0, limit: 1 }, context), () => source.get('a', context)]) {
      const error: unknown = await ask().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Error);
      expect(all(error)).toContain('Source "default"');
      // A part of it is too much as well.
      expect(all(error) + all(lines)).not.toContain(KEY.slice(0, 10));
    }
    expect(server.requests.length).toBeGreaterThanOrEqual(2);
  });

  test.each(['', 'with space', 'line\nbreak', 'sigmic_ü', '\tsigmic'])(
    'a key that no header can hold: %j',
    (value) => {
      const key = { value, origin: 'file key.txt' };
      const make = () => testSource('http://127.0.0.1:9', { key });
      expect(make).toThrow(UsageError);
      expect(make).toThrow(
        /^Source "default": the key from file key\.txt is empty or holds a space[^:]*ASCII\.$/,
      );
    },
  );
});
