import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../src/config/json-text.ts';

test.for<[string, string]>([
  ['', 'unexpected end at line 1, column 1'],
  ['[1, 2', 'unexpected end at line 1, column 6'],
  ['{"a": 1,}', 'unexpected "}" at line 1, column 9'],
  ['{a: 1}', 'unexpected "a" at line 1, column 2'],
  ['{"a" 1}', 'unexpected "1" at line 1, column 6'],
  ['{"a": 1 "b": 2}', 'unexpected or malformed string at line 1, column 9'],
  ['{\n  "a": [1\n  2]\n}', 'unexpected "2" at line 3, column 3'],
  ['{"a":\r\n\t"x\ny"}', 'unexpected or malformed string at line 2, column 2'],
  [String.raw`["\x"]`, 'unexpected or malformed string at line 1, column 2'],
  ['"never closed', 'unexpected or malformed string at line 1, column 1'],
  ['[01]', 'unexpected "1" at line 1, column 3'],
  ['[1]]', 'unexpected "]" at line 1, column 4'],
  ['// comment', 'unexpected "/" at line 1, column 1'],
])('%j: %s', ([text, failure]) => {
  expect(parseJson(text)).toEqual({ failure: `is not valid JSON: ${failure}` });
});

test('JSON from programs is read as by JSON.parse', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseJson(text)).toEqual({ value: JSON.parse(text) });
    }),
  );
});

test('in invalid JSON the first wrong character is found, however long the text', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (json, at) => {
      // Compact JSON with a # put before any character outside of a string.
      const places = [...json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)].map(({ index }) => index);
      const place = places[at % places.length] ?? 0;
      const text = `${json.slice(0, place)}#${json.slice(place)}`;
      const failure = `is not valid JSON: unexpected "#" at line 1, column ${place + 1}`;
      expect(parseJson(text)).toEqual({ failure });
    }),
  );
});

test('a megabyte of brackets or of one string is bounded work', () => {
  const size = 1024 * 1024;
  expect(parseJson('['.repeat(size))).toEqual({
    failure: `is not valid JSON: unexpected end at line 1, column ${size + 1}`,
  });
  expect(parseJson(`{"a": "${'x'.repeat(size)}" oops`)).toEqual({
    failure: `is not valid JSON: unexpected "o" at line 1, column ${size + 10}`,
  });
});

describe('a key that stands twice', () => {
  test.for<[string, string]>([
    ['{"a": 1, "a": 2}', 'has "a" twice: at line 1, column 2, and at line 1, column 10'],
    ['{"a": 1,\n  "a": 1}', 'has "a" twice: at line 1, column 2, and at line 2, column 3'],
    [String.raw`{"a": 1, "\u0061": 2}`, 'has "a" twice: at line 1, column 2, and at line 1, column 10'],
    ['{"b": {"a": 1, "a": {}}}', 'has "b.a" twice: at line 1, column 8, and at line 1, column 16'],
    [
      '{"s": [{"n": "a"}, {"n": "b", "k": [1, 2], "n": "c"}]}',
      'has "s[1].n" twice: at line 1, column 21, and at line 1, column 44',
    ],
    [
      '{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}',
      'has "b.c" twice: at line 1, column 16, and at line 1, column 24; has "a" twice: at line 1, column 2, and at line 1, column 33',
    ],
    [
      '{"sigmic_0123456789": 1, "sigmic_0123456789": 2}',
      'has "[redacted]" twice: at line 1, column 2, and at line 1, column 26',
    ],
  ])('%s', ([text, failure]) => {
    expect(parseJson(text)).toEqual({ failure });
  });

  test.for([
    '{"a": {"a": {"a": 1}}}',
    '[{"a": 1}, {"a": 1}]',
    '{"a": "a", "b": ["a", "a"], "A": {"b": 1}}',
    '{"a": ",\\"a\\":1"}',
  ])('is none in %s', (text) => {
    expect(parseJson(text)).toEqual({ value: JSON.parse(text) });
  });
});
