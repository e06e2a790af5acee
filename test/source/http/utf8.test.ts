import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonTextFrom } from '../../../src/source/http/utf8.ts';

/** Long enough for escapes, should there be few characters beyond ASCII. */
const LONG = 'x'.repeat(70_000);
const CHARACTERS = ['é', 'ß', '€', '中文', '🦊', 'Ａ', '\u0080', '\u07ff', '\u0800', '\uffff'];
const MIXED = CHARACTERS.join(' ');

const textFrom = (bytes: Buffer): string | null => jsonTextFrom(bytes.toString('latin1'));
const parsed = (json: string): unknown => JSON.parse(textFrom(Buffer.from(json)) ?? 'null');

describe('the text of a JSON body', () => {
  test.each([
    ['short', { text: MIXED }],
    ['long, with few characters beyond ASCII, keys among them', { [MIXED]: MIXED, LONG }],
    ['long, and mostly beyond ASCII', { text: '中文'.repeat(20_000) }],
    ['long, with escapes of its own', { LONG, text: '\\u00e9 \\ " \n é', '\\é': '\u0000é\u001f' }],
  ])('is the same if it is %s', (_, value) => {
    expect(parsed(JSON.stringify(value))).toEqual(value);
  });

  test('is the same, whatever it contains and wherever', () => {
    const value = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...CHARACTERS)));
    fc.assert(
      fc.property(value, fc.nat({ max: 3 }), (texts, at) => {
        const whole = [...texts.slice(0, at), LONG, ...texts.slice(at)];
        expect(parsed(JSON.stringify(whole))).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  test('has one byte per character if it is long and few characters are not ASCII', () => {
    const text = textFrom(Buffer.from(JSON.stringify([LONG, '€'])));
    expect(text).toBe(JSON.stringify([LONG]).replace(']', ',"\\u20ac"]'));
  });

  test.each(['', LONG])('is read without a byte order mark', (padding) => {
    expect(parsed(`\u{FEFF}["é${padding}"]`)).toEqual([`é${padding}`]);
  });

  test.each([
    ['a byte that begins nothing', [0xff]],
    ['a character cut short', [0xc3]],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
  ])('is refused if the bytes are not UTF-8: %s', (_, bytes) => {
    expect(textFrom(Buffer.from([0x22, ...bytes, 0x22]))).toBeNull();
    expect(textFrom(Buffer.from([...Buffer.from(`"${LONG}`), ...bytes, 0x22]))).toBeNull();
  });
});
