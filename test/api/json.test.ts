import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson } from '../../src/api/json.ts';

test.each(Array.from({ length: 33 }, (_, i) => i))(
  'a number that a double would round is kept by its digits, %i characters into the text',
  (before) => {
    const text = `{"${'x'.repeat(before)}":9007199254740993,"y":-0.12345678901234567890}`;
    expect(JSON.stringify(parseJson(text))).toBe(text);
  },
);

test('what holds no such number is what JSON.parse makes of it, and every other number keeps its digits', () => {
  const value = fc.dictionary(
    fc.string(),
    fc.oneof(
      fc.string(),
      fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
      fc.stringMatching(/^\d{0,40}$/),
    ),
  );
  fc.assert(
    fc.property(value, (object) => {
      const members = Object.entries(object).map(
        ([key, one]) => `${JSON.stringify(key)}:${typeof one === 'bigint' ? one : JSON.stringify(one)}`,
      );
      const text = `{${members.join(',')}}`;
      expect(JSON.stringify(parseJson(text))).toBe(JSON.stringify(parseSlowly(text)));
    }),
    { numRuns: 2_000 },
  );
});

/** The same by looking at every number. */
function parseSlowly(text: string): unknown {
  return JSON.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source
      ? JSON.rawJSON(source)
      : value,
  );
}
