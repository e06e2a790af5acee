import { describe, expect, test } from 'vitest';
import { type Cost, type Movement, readMoving } from './movement.ts';

const SEEDS = [1, 2, 3, 4, 5];
const CONCURRENCY = [1, 4, 8];

const MOVEMENTS: readonly { name: string; movement: Movement; requests: number; time: number }[] = [
  { name: 'stands still', movement: {}, requests: 1, time: 1.02 },
  { name: 'gets 1 new task', movement: { created: 1 }, requests: 1.2, time: 1.35 },
  { name: 'gets 3 new tasks', movement: { created: 3 }, requests: 1.2, time: 1.35 },
  { name: 'gets 10 new tasks', movement: { created: 10 }, requests: 1.4, time: 1.6 },
  { name: 'sees 3 tasks become active', movement: { active: 3 }, requests: 1.2, time: 1.35 },
  { name: 'loses 1 row', movement: { vanishing: 1 }, requests: 1.2, time: 1.35 },
  { name: 'loses 3 rows', movement: { vanishing: 3 }, requests: 1.3, time: 1.35 },
  { name: 'sees 1 row sink', movement: { sinking: 1 }, requests: 1.2, time: 1.35 },
  {
    name: 'moves in every way',
    movement: { created: 2, active: 2, vanishing: 1 },
    requests: 1.2,
    time: 1.35,
  },
];

async function read(movement: Movement, concurrency: number, changes = {}): Promise<Cost[]> {
  const reading = { movement, tasks: 10_000, pageSize: 100, concurrency, latencyMs: 40, ...changes };
  return Promise.all(SEEDS.map((seed) => readMoving({ ...reading, seed })));
}

const medianOf = (costs: readonly Cost[], figure: (cost: Cost) => number): number =>
  costs.map(figure).toSorted((a, b) => a - b)[costs.length >> 1] ?? Infinity;

describe.each(CONCURRENCY)('with %i requests under way, answered in any order', (concurrency) => {
  test.each(MOVEMENTS)(
    'a list that $name between two requests costs at most $requests requests a page, and $time times the time',
    async ({ movement, requests, time }) => {
      const [costs, atRest] = [await read(movement, concurrency), await read({}, concurrency)];
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
