import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mayLoseDigits, mayLoseNumbers, parseJson } from '../../../src/source/http/json.ts';

test.each(Array.from({ length: 33 }, (_, i) => i))(
  'a number that a double would round is kept by its digits, %i characters into the text',
  (before) => {
    const text = `{"${'x'.repeat(before)}":9007199254740993,"y":-0.12345678901234567890}`;
    expect(JSON.stringify(parseJson(text))).toBe(text);
  },
);

describe('a number that a double cannot give back is kept as it was written', () => {
  const LOST = [
    '1e400',
    '-1e999',
    '1E+400',
    '1e-400',
    '-1e-400',
    '123e307',
    '0.000001e-320',
    '1e0400',
    '1.2345e-320',
    '0e400',
    '-0',
    '-0.0',
    '-0e5',
    '9007199254740993',
    '-12345678901234567890',
    `1${'0'.repeat(400)}`,
    '1234567890.1234567890',
    '1234567.0000000000001',
    '0.1000000000000000055511151231257827',
    '1.00000000000000000001e5',
  ];
  test.each(LOST)('%s', (number) => {
    for (const text of [`{"a":${number}}`, `[ ${number} ,[1,${number}\n]]`, `{"a" : ${number} , "b":"c"}`]) {
      expect(JSON.stringify(parseJson(text))).toBe(text.replace(/[\s]/g, ''));
    }
  });

  test.each(['1e5', '1.5e300', '-2e-300', '0', '0.0', '1.10', '100', '-7', '1E2', '9007199254740992'])(
    '%s is what JSON.parse makes of it, also beside one that is kept',
    (number) => {
      const { a, b } = parseJson(`{"a":${number},"b":1e400}`) as Record<string, unknown>;
      expect(a).toBe(JSON.parse(number));
      expect(JSON.stringify(b)).toBe('1e400');
    },
  );

  test('digits in a text are not a number', () => {
    const text = JSON.stringify({ a: 'x: 1e400, -0, 1234567890.1234567890', '1,1e400': [':-0,'] });
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });
});

const digits = fc.stringMatching(/^\d{1,25}$/).map((text) => text.replace(/^0+(?=\d)/, ''));
const number = fc
  .record({
    sign: fc.constantFrom('', '-'),
    whole: digits,
    fraction: fc.option(fc.stringMatching(/^\d{1,25}$/), { nil: null }),
    exponent: fc.option(fc.stringMatching(/^[eE][+-]?\d{1,4}$/), { nil: null }),
  })
  .map(({ sign, whole, fraction, exponent }) => {
    return `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent ?? ''}`;
  });

test('nothing of a number is lost, and what becomes of it depends on nothing else in the text', () => {
  const page = fc.array(
    fc.oneof(
      number,
      fc.string().map((text) => JSON.stringify(text)),
    ),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(page, fc.constantFrom('', ' ', '\n\t'), (values, space) => {
      const parsed = parseJson(
        `[${values.map((value) => `${space}${value}${space}`).join(',')}]`,
      ) as unknown[];
      for (const [i, text] of values.entries()) {
        const alone = parseJson(`[${text}]`) as unknown[];
        expect(JSON.stringify(parsed[i])).toBe(JSON.stringify(alone[0]));
        expect(exactly(JSON.stringify(parsed[i]))).toBe(exactly(text));
      }
    }),
    { numRuns: 3_000 },
  );
});

test('a text that may lose digits may lose numbers', () => {
  expect(mayLoseDigits('{"a":12345678901234567}')).toBe(true);
  fc.assert(
    fc.property(number, (text) => {
      const body = `{"a":${text}}`;
      return !mayLoseDigits(body) || mayLoseNumbers(body);
    }),
  );
});

/** A decimal number as its sign, its digits without zeros around them, and the power of ten that they stand for; any other text as it is. */
function exactly(text: string): string {
  if (text.startsWith('"')) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const all = (whole + fraction).replace(/^0+/, '');
  const some = all.replace(/0+$/, '');
  if (some === '') return `${sign}0`;
  return `${sign}${some}e${Number(exponent) - fraction.length + all.length - some.length}`;
}
