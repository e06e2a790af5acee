import { describe, expect, test } from 'vitest';
import { AT_REST, type Movement, MOVEMENTS } from '../../bench/movement.ts';
import { type Cost, readMoving } from './movement.ts';

const SEEDS = [1, 2, 3, 4, 5];
const CONCURRENCY = [1, 4, 8];

async function read(movement: Movement, concurrency: number, changes = {}): Promise<Cost[]> {
  const reading = { movement, tasks: 10_000, pageSize: 100, concurrency, latencyMs: 40, ...changes };
  return Promise.all(SEEDS.map((seed) => readMoving({ ...reading, seed })));
}

const rests = new Map<number, Promise<Cost[]>>();

/** Reads the list at rest, once for all movements. */
function readAtRest(concurrency: number): Promise<Cost[]> {
  const known = rests.get(concurrency) ?? read({}, concurrency);
  rests.set(concurrency, known);
  return known;
}

const medianOf = (costs: readonly Cost[], figure: (cost: Cost) => number): number =>
  costs.map(figure).toSorted((a, b) => a - b)[costs.length >> 1] ?? Infinity;

describe.each(CONCURRENCY)('with %i requests under way, answered in any order', (concurrency) => {
  test.each([AT_REST, ...MOVEMENTS])(
    'a list that moves between two requests ($name) costs at most $requests requests a page, and $time times the time',
    async ({ movement, requests, time }) => {
      const atRest = await readAtRest(concurrency);
      const costs = movement === AT_REST.movement ? atRest : await read(movement, concurrency);
      expect(costs.flatMap(({ lost, doubts }) => [...lost, ...doubts])).toEqual([]);
      expect(medianOf(costs, ({ requestsPerPage }) => requestsPerPage)).toBeLessThanOrEqual(requests);
      expect(medianOf(costs, ({ ms }) => ms)).toBeLessThanOrEqual(time * medianOf(atRest, ({ ms }) => ms));
    },
  );
});

describe('a list that moves faster than pages can be fitted together', () => {
  test.each<Movement>([{ created: 30 }, { created: 60 }, { created: 95 }, { vanishing: 30 }])(
    '(%j between two requests) is read to its end, and hardly dearer than one request at a time',
    async (movement) => {
      const one = medianOf(await read(movement, 1), ({ requestsPerPage }) => requestsPerPage);
      for (const concurrency of [4, 8]) {
        const costs = await read(movement, concurrency);
        expect(costs.flatMap(({ lost, doubts }) => [...lost, ...doubts])).toEqual([]);
        expect(medianOf(costs, ({ requestsPerPage }) => requestsPerPage)).toBeLessThanOrEqual(one * 1.25);
      }
    },
  );
});

test.each([5, 6, 7])('pages of %i rows are fitted together, too', async (pageSize) => {
  for (const movement of [{ created: 1 }, { active: 1 }, { vanishing: 1 }, { sinking: 1 }]) {
    for (const concurrency of CONCURRENCY) {
      const costs = await read(movement, concurrency, { pageSize, tasks: 300 });
      expect(costs.flatMap(({ lost, doubts }) => [...lost, ...doubts])).toEqual([]);
      expect(medianOf(costs, ({ requestsPerPage }) => requestsPerPage)).toBeLessThanOrEqual(1.5);
    }
  }
});
