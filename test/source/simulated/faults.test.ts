import { describe, expect, test } from 'vitest';
import { faultPlanner } from '../../../src/source/simulated/faults.ts';
import { createRandom } from '../../../src/source/simulated/random.ts';
import { AUTHORIZED, read, serve } from './serve.ts';

describe('faults', () => {
  test('503 and 429 say when to come back', async () => {
    const { url, stats } = await serve({
      faults: ({ number }) =>
        [
          undefined,
          { kind: 'unavailable' } as const,
          { kind: 'unavailable', retryAfter: '3' } as const,
          { kind: 'rateLimited', retryAfter: 'Fri, 20 Nov 2026 12:00:05 GMT' } as const,
        ][number],
    });
    const answers = [await read(url), await read(url), await read(url), await read(url)];
    expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
      [503, null],
      [503, '3'],
      [429, 'Fri, 20 Nov 2026 12:00:05 GMT'],
      [200, null],
    ]);
    expect(stats).toMatchObject({ list: 4, faults: 3 });
  });

  test('a dropped connection gives no answer', async () => {
    const { url } = await serve({ faults: ({ number }) => (number === 1 ? { kind: 'drop' } : undefined) });
    await expect(read(url)).rejects.toThrow('fetch failed');
    expect((await read(url)).status).toBe(200);
  });

  test('a cut connection loses the second half of the body', async () => {
    const { url } = await serve({ faults: () => ({ kind: 'cut' }) });
    const response = await fetch(url, { headers: AUTHORIZED });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('terminated');
  });

  test('a truncated body looks whole but is no JSON', async () => {
    const { url } = await serve({ faults: () => ({ kind: 'truncate' }) });
    const response = await fetch(url, { headers: AUTHORIZED });
    const text = await response.text();
    expect(text).toMatch(/^\{"success":true/);
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
  });

  test('a share of all requests gets one of each kind', () => {
    const faultFor = faultPlanner(0.2, createRandom(1));
    const request = { kind: 'list', number: 1, path: '/' } as const;
    const kinds = Array.from({ length: 1_000 }, () => faultFor(request)).flatMap(
      (fault) => fault?.kind ?? [],
    );
    expect(kinds.length).toBeGreaterThan(150);
    expect(kinds.length).toBeLessThan(250);
    expect(new Set(kinds)).toEqual(new Set(['unavailable', 'rateLimited', 'drop', 'cut', 'truncate']));
  });
});
