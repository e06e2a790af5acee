import { afterEach, describe, expect, test } from 'vitest';

import { ApiFailedError } from '../../../src/model/errors.ts';
import { apiError, EMPTY_LIST, json, startScript, testSource, type Loopback } from './loopback.ts';
import { toldBy } from '../../support/told.ts';

const PAGE = { offset: 0, limit: 100 };
const context = () => ({ signal: new AbortController().signal });

let server: Loopback | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});
async function script(...steps: Parameters<typeof startScript>): Promise<Loopback> {
  return (server = await startScript(...steps));
}

/** One list request whose first answer is a 429 with these headers. */
async function answerOnce(headers: Record<string, string>) {
  const { url, requests } = await script(apiError(429, 'SLOW_DOWN', 'no', headers), json(200, EMPTY_LIST));
  const made = testSource(url);
  return { ...made, requests, result: made.source.list(PAGE, context()) };
}

describe('what is repeated', () => {
  test.each([408, 425, 429, 500, 502, 503, 504, 599])(
    'HTTP %i is repeated until it succeeds',
    async (status) => {
      const { url, requests } = await script(
        apiError(status, 'BUSY'),
        apiError(status, 'BUSY'),
        json(200, EMPTY_LIST),
      );
      const { source, clock } = testSource(url);
      let counted = 0;
      const page = await source.list(PAGE, { ...context(), onRequest: () => (counted += 1) });
      expect(page.rows).toEqual([]);
      expect(requests).toHaveLength(3);
      expect(counted).toBe(3);
      expect(clock.waits).toEqual([250, 500]);
    },
  );

  test('the caller is notified of each 429 and Retry-After', async () => {
    const { url } = await script(
      apiError(429, 'RATE_LIMITED'),
      json(503, {}, { 'retry-after': '1' }),
      apiError(500, 'BUSY'),
      json(200, EMPTY_LIST),
    );
    const { source } = testSource(url);
    let pushbacks = 0;
    await source.list(PAGE, { ...context(), onPushback: () => (pushbacks += 1) });
    expect(pushbacks).toBe(2);
  });

  test.each([400, 402, 404, 405, 409, 410, 422, 451])('HTTP %i is not repeated', async (status) => {
    const { url, requests } = await script(apiError(status, 'SOME_CODE', 'what is wrong'));
    const { source, clock } = testSource(url);
    const failure = source.list(PAGE, context());
    await expect(failure).rejects.toBeInstanceOf(ApiFailedError);
    await expect(failure).rejects.toThrow(`HTTP ${status} (SOME_CODE: what is wrong)`);
    expect(requests).toHaveLength(1);
    expect(clock.waits).toEqual([]);
  });

  test('each repetition is logged with source, path, attempt, wait and cause', async () => {
    const { url } = await script(apiError(503, 'OVERLOADED', 'come\nback'), json(200, EMPTY_LIST));
    const { source, lines } = testSource(url);
    await source.list(PAGE, context());
    expect(lines).toEqual([
      {
        level: 'warn',
        message: 'A request failed and will be repeated',
        fields: {
          source: 'default',
          path: '/api/v1/tasks?limit=100&offset=0',
          attempt: 1,
          waitMs: 250,
          cause: 'HTTP 503 (OVERLOADED: come back)',
        },
      },
    ]);
  });
});

describe('how often and how long', () => {
  test('the waits double up to 30 s, a random part of each, and 12 attempts are the most', async () => {
    const { url, requests } = await script(apiError(500, 'X'));
    const { source, clock } = testSource(url, { random: () => 0.999_999, retryMs: 3_600_000 });
    await expect(source.list(PAGE, context())).rejects.toThrow('tried 12 times');
    expect(requests).toHaveLength(12);
    expect(clock.waits).toEqual([
      500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000,
    ]);
  });

  test('a wait that does not fit into the time for all attempts is not begun', async () => {
    const { url, requests } = await script(apiError(500, 'X', 'broken'));
    const { source, clock } = testSource(url, { retryMs: 60_000, random: () => 0.9 });
    const failure = source.list(PAGE, context());
    await expect(failure).rejects.toThrow(
      /^Source "default": GET \/api\/v1\/tasks\?limit=100&offset=0 was tried 8 times in [\d.]+ s and failed: HTTP 500 \(X: broken\)\.$/,
    );
    expect(await toldBy(failure)).toMatchObject({
      exitCode: 5,
      hint: expect.stringContaining('Try again later'),
    });
    expect(clock.waits).toEqual([450, 900, 1800, 3600, 7200, 14_400, 27_000]);
    expect(requests).toHaveLength(8);
  });

  test('a clock that jumps neither shortens nor lengthens the time for all attempts', async () => {
    const { url, requests } = await script(apiError(500, 'X'));
    const { source, clock } = testSource(url, { retryMs: 60_000, random: () => 0.9 });
    let jump = 10 * 3_600_000;
    const jumping = { ...context(), onRequest: () => clock.advance((jump = -jump)) };
    await expect(source.list(PAGE, jumping)).rejects.toBeInstanceOf(ApiFailedError);
    expect(requests).toHaveLength(8);
  });

  test('with no time for repetitions a request is tried once, for as long as an attempt may last', async () => {
    const { url, requests } = await script(apiError(500, 'X'));
    const { source, clock } = testSource(url, { retryMs: 0 });
    await expect(source.list(PAGE, context())).rejects.toThrow('was tried once and failed: HTTP 500');
    expect(requests).toHaveLength(1);
    expect(clock.timeouts).toEqual([30_000]);
  });

  test('an attempt may last no longer than what is left of the time for all attempts', async () => {
    const { url } = await script(apiError(500, 'X'));
    const { source, clock } = testSource(url, { retryMs: 20_000, requestTimeoutMs: 30_000 });
    await expect(source.list(PAGE, context())).rejects.toBeInstanceOf(ApiFailedError);
    expect(clock.timeouts[0]).toBe(20_000);
    expect(clock.timeouts.at(-1)).toBeLessThanOrEqual(20_000 - clock.waits.reduce((sum, ms) => sum + ms, 0));
  });
});

/** A GET that fails each time, and may take this share of the time. */
const failing = async (patience: number, retryMs: number) => {
  const { url, requests } = await script(apiError(500, 'X'));
  const { source, clock } = testSource(url, { retryMs, random: () => 0.9 });
  await expect(source.get('a', { ...context(), patience })).rejects.toBeInstanceOf(ApiFailedError);
  return { clock, requests: requests.length };
};

describe('a request that is given a share of the time', () => {
  test('is repeated as long as that lasts', async () => {
    const { clock } = await failing(1 / 4, 60_000);
    expect(clock.waits).toEqual([450, 900, 1800, 3600, 7200]);
  });

  test('has time for an attempt, however small the share', async () => {
    const { clock, requests } = await failing(1 / 1_000_000, 60_000);
    expect(clock.timeouts[0]).toBe(1_000);
    expect(requests).toBe(2);
  });

  test('is tried once if retries are off', async () => {
    const { clock, requests } = await failing(1 / 4, 0);
    expect([requests, clock.timeouts]).toEqual([1, [30_000]]);
  });
});

describe('Retry-After', () => {
  test('in seconds is waited for', async () => {
    const { clock, result } = await answerOnce({ 'retry-after': '7' });
    await result;
    expect(clock.waits).toEqual([7000]);
  });

  test('is a minimum: a longer wait of our own stays', async () => {
    const { clock, result } = await answerOnce({ 'retry-after': '0' });
    await result;
    expect(clock.waits).toEqual([250]);
  });

  test('as a date is measured by the clock of the server that sent it', async () => {
    const { clock, result } = await answerOnce({
      date: 'Wed, 21 Oct 2015 07:28:00 GMT',
      'retry-after': 'Wed, 21 Oct 2015 07:28:11 GMT',
    });
    await result;
    expect(clock.waits).toEqual([11_000]);
  });

  test('as a date is measured by our own clock if the server gives none', async () => {
    const { url } = await script(
      (response) => {
        response.sendDate = false;
        response.writeHead(503, { 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' }).end();
      },
      json(200, EMPTY_LIST),
    );
    const { source, clock } = testSource(url);
    await source.list(PAGE, context());
    expect(clock.waits).toEqual([9000]);
  });

  test.each([
    ['0.5', 500],
    ['1.5', 1_500],
    ['2.', 2_000],
    ['.75', 750],
    ['0.9999', 1_000],
  ])('of %j, a part of a second, is waited for', async (value, waitMs) => {
    const { clock, result } = await answerOnce({ 'retry-after': value });
    await result;
    expect(clock.waits).toEqual([waitMs]);
  });

  test.each(['Wed, 21 Oct 2015 07:28:00 GMT', 'soon', '-5', '-0.5', '1,5', '1e3', '1.2.3', '.', ''])(
    'of %j asks for no wait',
    async (value) => {
      const { clock, result } = await answerOnce({ 'retry-after': value });
      await result;
      expect(clock.waits).toEqual([250]);
    },
  );

  test.each(['120', '99999999999999999999999', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'of %j, longer than the time for all attempts, fails at once with that reason',
    async (value) => {
      const { clock, result, requests } = await answerOnce({ 'retry-after': value });
      expect(await toldBy(result)).toMatchObject({
        exitCode: 5,
        hint: expect.stringMatching(/^Try again in \d{3,7} s, as the API asks/),
      });
      expect(clock.waits).toEqual([]);
      expect(requests).toHaveLength(1);
    },
  );
});
