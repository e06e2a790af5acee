import * as fc from 'fast-check';
import { expect, test } from 'vitest';
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
  expect(parseJson(text)).toEqual({ failure });
});

test('what a program wrote as JSON is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseJson(text)).toEqual({ value: JSON.parse(text) });
    }),
  );
});

test('in valid JSON the first character that cannot stand there is found, however long the text', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (json, at) => {
      // Compact JSON with a # put before any character outside of a string.
      const places = [...json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)].map(({ index }) => index);
      const place = places[at % places.length] ?? 0;
      const text = `${json.slice(0, place)}#${json.slice(place)}`;
      expect(parseJson(text)).toEqual({ failure: `unexpected "#" at line 1, column ${place + 1}` });
    }),
  );
});

test('a megabyte of brackets or of one string is bounded work', () => {
  const size = 1024 * 1024;
  expect(parseJson('['.repeat(size))).toEqual({ failure: `unexpected end at line 1, column ${size + 1}` });
  expect(parseJson(`{"a": "${'x'.repeat(size)}" oops`)).toEqual({
    failure: `unexpected "o" at line 1, column ${size + 10}`,
  });
});
