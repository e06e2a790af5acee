import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';

import { ApiFailedError, KeyRefusedError } from '../../../src/model/errors.ts';
import { apiError, EMPTY_LIST, json, KEY, startScript, testSource, type Loopback } from './loopback.ts';
import { told, toldBy } from '../../support/told.ts';

const PAGE = { offset: 0, limit: 100 };
const context = () => ({ signal: new AbortController().signal });
const GOOD = json(200, EMPTY_LIST);

type Step = (response: ServerResponse) => void;
const answer =
  (status: number, body = '', headers: Record<string, string> = {}): Step =>
  (response) =>
    void response.writeHead(status, headers).end(body);
const html = (status: number, text: string, headers: Record<string, string> = {}): Step =>
  answer(status, text, { 'content-type': 'text/html', ...headers });

const servers: Loopback[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
async function script(...steps: Step[]): Promise<Loopback> {
  const server = await startScript(...steps);
  servers.push(server);
  return server;
}

/** What one list request that is not repeated fails of. */
async function failureOf(step: Step): Promise<unknown> {
  const { url } = await script(step);
  return testSource(url, { retryMs: 0 })
    .source.list(PAGE, context())
    .catch((error: unknown) => error);
}

describe('only the words of the API itself refuse a key', () => {
  test.each([
    [401, 'AUTH_REQUIRED'],
    [401, 'INVALID_API_KEY'],
    [401, 'INVALID_AUTH_FORMAT'],
    [401, 'INVALID_TOKEN'],
    [403, 'FORBIDDEN'],
    [403, 'ORIGIN_NOT_ALLOWED'],
    // The code says it, whatever the status that it comes with.
    [400, 'INVALID_AUTH_FORMAT'],
    [404, 'INVALID_API_KEY'],
    [401, 'FORBIDDEN'],
  ])('HTTP %i with %s does, at once', async (status, code) => {
    const { url, requests } = await script(apiError(status, code, 'This key is not known'));
    const failure = testSource(url).source.list(PAGE, context());
    await expect(failure).rejects.toBeInstanceOf(KeyRefusedError);
    await expect(failure).rejects.toThrow(`HTTP ${status} (${code}: This key is not known).`);
    expect(requests).toHaveLength(1);
  });

  const OTHERS: [string, Step, RegExp, RegExp][] = [
    [
      '403 with the HTML of a firewall',
      html(403, '<html>\n<h1>Blocked by the firewall</h1>'),
      /: HTTP 403 \(text\/html, begins with: <html> <h1>Blocked by the firewall<\/h1>\)\.$/,
      /^This did not come from the API itself: a firewall or proxy blocks this machine/,
    ],
    ['403 without a body', answer(403), /: HTTP 403\.$/, /^This did not come from the API itself/],
    [
      '403 with the JSON of a gateway',
      json(403, { message: 'Forbidden' }),
      /: HTTP 403 \(application\/json, begins with: \{"message":"Forbidden"\}\)\.$/,
      /^This did not come from the API itself/,
    ],
    [
      '403 with HTML and Retry-After',
      html(403, 'Too fast', { 'retry-after': '30' }),
      /: HTTP 403 \(text\/html, begins with: Too fast\)\.$/,
      /^Try again in 30 s, as the API asks/,
    ],
    [
      "403 with the API's code and Retry-After",
      apiError(403, 'FORBIDDEN', 'Slow down', { 'retry-after': '30' }),
      /: HTTP 403 \(FORBIDDEN: Slow down\)\.$/,
      /^Try again in 30 s, as the API asks/,
    ],
    [
      '403 with a code that says nothing of the key',
      apiError(403, 'QUOTA_EXCEEDED', 'Come back'),
      /: HTTP 403 \(QUOTA_EXCEEDED: Come back\)\.$/,
      /^Try again later/,
    ],
    ['401 without a body', answer(401), /: HTTP 401\.$/, /may want a login.*check the key in environment/],
    [
      '401 of a proxy',
      html(401, '<h1>Log in</h1>', { 'www-authenticate': 'Basic realm="office"' }),
      /: HTTP 401 \(text\/html, begins with: <h1>Log in<\/h1>\)\.$/,
      /^This did not come from the API itself: a proxy or gateway may want a login/,
    ],
    [
      '401 with a code that is not known',
      apiError(401, 'UNKNOWN', 'no'),
      /: HTTP 401 \(UNKNOWN: no\)\.$/,
      /^If this persists, put another key into environment variable SIGMIC_API_KEY\.$/,
    ],
    [
      '500 with a code that refuses',
      apiError(500, 'INVALID_API_KEY'),
      /: HTTP 500 \(INVALID_API_KEY: no\)\.$/,
      /^Try again later/,
    ],
    ['429 with a code that refuses', apiError(429, 'FORBIDDEN'), /: HTTP 429 /, /^Try again later/],
  ];
  test.each(OTHERS)('%s does not: it is repeated, and what came is said', async (_what, step, said, hint) => {
    const { url, requests } = await script(step, GOOD);
    await testSource(url).source.list(PAGE, context());
    expect(requests).toHaveLength(2);

    const failure = await failureOf(step);
    expect(failure).toBeInstanceOf(ApiFailedError);
    expect(told(failure)).toMatchObject({
      message: expect.stringMatching(said),
      hint: expect.stringMatching(hint),
    });
  });

  test('an answer whose body never ends does not', async () => {
    const { url } = await script((response) => {
      response.writeHead(401);
      response.write('x'.repeat(100_000));
    });
    const failure = testSource(url, { retryMs: 0 }).source.list(PAGE, context());
    await expect(failure).rejects.toBeInstanceOf(ApiFailedError);
  });

  test('403 of one task forbids that task, and says nothing of the key', async () => {
    const { url, requests } = await script(apiError(403, 'FORBIDDEN', 'Not yours'));
    const failure = testSource(url).source.get('a', context());
    await expect(failure).rejects.toBeInstanceOf(ApiFailedError);
    await expect(failure).rejects.toThrow(
      'GET /api/v1/tasks/a was tried once and failed: HTTP 403 (FORBIDDEN: Not yours).',
    );
    expect(requests).toHaveLength(1);
  });

  test('401 of one task refuses the key as it does for the list', async () => {
    const { url } = await script(apiError(401, 'INVALID_API_KEY'));
    await expect(testSource(url).source.get('a', context())).rejects.toBeInstanceOf(KeyRefusedError);
  });

  test('what a firewall repeats of the request is shown without the key', async () => {
    const failure = await failureOf(html(403, `Blocked: Authorization: Bearer ${KEY}`));
    expect(String(failure)).toContain('begins with: Blocked: Authorization: Bearer [redacted])');
  });
});

/** HTTP 200 with an error in its body. */
const named = (code: unknown, headers: Record<string, string> = {}): Step =>
  json(200, { success: false, error: { code, message: `about ${KEY}\nand more` } }, headers);

describe('HTTP 200 whose body names an error is that error', () => {
  const SAID = /HTTP 200 \(\w*(?:: )?about \[redacted\] and more\)\.$/;

  test.each(['AUTH_REQUIRED', 'INVALID_API_KEY', 'INVALID_AUTH_FORMAT', 'INVALID_TOKEN', 'FORBIDDEN'])(
    '%s refuses the key, in the words of the API',
    async (code) => {
      const { url, requests } = await script(named(code));
      const failure = testSource(url).source.list(PAGE, context());
      await expect(failure).rejects.toBeInstanceOf(KeyRefusedError);
      await expect(failure).rejects.toThrow(SAID);
      expect(requests).toHaveLength(1);
    },
  );

  test.each([
    ['VALIDATION_ERROR', /newer version/],
    ['NOT_FOUND', /^Check the base URL/],
  ])('%s is not repeated', async (code, hint) => {
    const { url, requests } = await script(named(code));
    const failure = testSource(url).source.list(PAGE, context());
    expect(await toldBy(failure)).toMatchObject({
      exitCode: 5,
      message: expect.stringMatching(SAID),
      hint: expect.stringMatching(hint),
    });
    expect(requests).toHaveLength(1);
  });

  test.each(['INTERNAL_ERROR', 'RATE_LIMITED', '__proto__', '', null, 7])('%j is temporary', async (code) => {
    const { url, requests } = await script(named(code), GOOD);
    await testSource(url).source.list(PAGE, context());
    expect(requests).toHaveLength(2);
    const failure = await failureOf(named(code));
    expect(failure).toBeInstanceOf(ApiFailedError);
    expect(String(failure)).toMatch(SAID);
  });

  test('also with a page beside it, and it waits as long as it says', async () => {
    const both = { ...EMPTY_LIST, success: false, error: { code: 'BUSY', message: 'wait' } };
    const { url } = await script(json(200, both, { 'retry-after': '7' }), GOOD);
    const { source, clock, lines } = testSource(url);
    await source.list(PAGE, context());
    expect(clock.waits).toEqual([7_000]);
    expect(lines[0]?.fields).toMatchObject({ cause: 'HTTP 200 (BUSY: wait)' });
  });

  test('of one task, but is no proof that the task is gone', async () => {
    const { url } = await script(named('NOT_FOUND'));
    await expect(testSource(url).source.get('a', context())).rejects.toBeInstanceOf(ApiFailedError);
  });

  test('which a body that says success: true does not', async () => {
    const { url } = await script(json(200, { ...EMPTY_LIST, error: { code: 'FORBIDDEN', message: '' } }));
    expect(await testSource(url).source.list(PAGE, context())).toMatchObject({ rows: [] });
  });
});

describe('a status is explained, with who has to act', () => {
  test.each<[number, Step, RegExp, RegExp]>([
    [300, answer(300), /HTTP 300, several addresses to choose from\.$/, /Correct the base URL, now http:/],
    [302, answer(302), /HTTP 302, a redirect to no address\.$/, /Correct the base URL/],
    [
      304,
      answer(304),
      /HTTP 304, "not modified", although taskmirror caches nothing\.$/,
      /^A cache in between/,
    ],
    [
      402,
      apiError(402, 'PAYMENT', 'Plan ended'),
      /HTTP 402 \(PAYMENT: Plan ended\)\.$/,
      /owner of the account/,
    ],
    [402, html(402, 'Pay'), /HTTP 402 \(text\/html, begins with: Pay\)\.$/, /owner of the account/],
    [407, html(407, 'Who?'), /HTTP 407 \(text\/html, begins with: Who\?\)\.$/, /HTTPS_PROXY/],
    [
      410,
      apiError(410, 'GONE', 'v1 ended'),
      /HTTP 410 \(GONE: v1 ended\)\.$/,
      /gone for good.*newer version/,
    ],
    [413, html(413, 'Too big'), /HTTP 413 \(text\/html, begins with: Too big\)\.$/, /lower sync\.pageSize/],
    [431, answer(431), /HTTP 431\.$/, /environment variable SIGMIC_API_KEY holds only the key/],
    [
      405,
      html(405, 'No'),
      /HTTP 405 \(text/,
      /^This did not come from the API itself: check the base URL, now http:/,
    ],
    [405, apiError(405, 'METHOD'), /HTTP 405 \(METHOD: no\)\.$/, /newer version of taskmirror/],
    [
      511,
      html(511, 'Log in'),
      /HTTP 511 \(text\/html, begins with: Log in\)\.$/,
      /^This network asks for a login/,
    ],
  ])('%i', async (status, step, said, hint) => {
    const failure = await failureOf(step);
    expect(failure).toBeInstanceOf(ApiFailedError);
    expect(told(failure)).toMatchObject({
      message: expect.stringMatching(said),
      hint: expect.stringMatching(hint),
    });
    const { url, requests } = await script(step, GOOD);
    await testSource(url)
      .source.list(PAGE, context())
      .catch(() => undefined);
    expect(requests).toHaveLength(status === 511 ? 2 : 1);
  });
});
