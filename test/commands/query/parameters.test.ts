import { describe, expect, it } from 'vitest';
import { assertParameters, parseParameters } from '../../../src/cli/commands/query/parameters.ts';
import { UsageError } from '../../../src/model/errors.ts';
import { told } from '../../support/told.ts';

describe('a value of --param', () => {
  it.each([
    ['42', 42n],
    ['-1', -1n],
    ['0', 0n],
    ['9223372036854775807', 9223372036854775807n],
    ['0.25', 0.25],
    ['-1.50', -1.5],
  ])('%s is a number', (text, value) => {
    expect(parseParameters([`n=${text}`])).toEqual({ n: value });
  });

  it.each([
    '',
    '2026-01-01',
    '007',
    '+1',
    '1e5',
    '.5',
    '1.',
    '0x10',
    '9223372036854775808',
    ' 1',
    "'",
    'NaN',
  ])('"%s" is text', (text) => {
    expect(parseParameters([`n=${text}`])).toEqual({ n: text });
  });

  it('in single quotes is text whatever it looks like, with doubled quotes for one', () => {
    expect(parseParameters(["a='42'", "b='it''s'", "c=''", "d='"])).toEqual({
      a: '42',
      b: "it's",
      c: '',
      d: "'",
    });
  });

  it('may hold whatever else: equals signs, newlines, other scripts', () => {
    expect(parseParameters(['a=b=c', 'd=line\nline', 'e=田中'])).toEqual({
      a: 'b=c',
      d: 'line\nline',
      e: '田中',
    });
  });

  it.each(['since', '=1', 'a-b=1', ':a=1', ''])('"%s" is refused', (assignment) => {
    expect(() => parseParameters([assignment])).toThrow(UsageError);
  });

  it('is given once for each name', () => {
    expect(() => parseParameters(['a=1', 'a=2'])).toThrow('"a" more than one value');
  });

  it('may belong to a name that objects have from birth', () => {
    expect(Object.entries(parseParameters(['__proto__=x', 'constructor=y']))).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });
});

describe('the parameters of a statement', () => {
  it('are those that have values', () => {
    expect(() => assertParameters(['a', 'b'], { b: 1n, a: 'x' })).not.toThrow();
    expect(() => assertParameters([], {})).not.toThrow();
  });

  it('are all reported at once if they are not', () => {
    expect(told(problemOf(['a', 'b', 'toString'], { b: 1n, c: 2n }))).toMatchObject({
      message: expect.stringContaining('"a" has no value, "toString" has no value, the SQL has no "c"'),
      hint: 'Give --param a=VALUE --param b=VALUE --param toString=VALUE.',
      exitCode: 2,
    });
    expect(told(problemOf([], { c: 2n }))).toMatchObject({ hint: expect.stringContaining('no parameters') });
  });
});

function problemOf(...given: Parameters<typeof assertParameters>): unknown {
  try {
    return assertParameters(...given);
  } catch (error) {
    return error;
  }
}
