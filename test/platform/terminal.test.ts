import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  complain,
  folded,
  type Output,
  outlet,
  printable,
  visible,
  widthOf,
} from '../../src/platform/terminal.ts';
import { Captured } from '../support/captured.ts';

/** What a terminal acts on, and what turns or hides text: sequences, 8-bit ones, halves of pairs, tags. */
const HOSTILE = '\u001b[31m\u001b]0;t\u0007\u009b2J\u0085\u202e\u2066\u2028\ud800\u{e0041}\u00ad\r';
const HARMFUL = /(?![\n\t])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u;

describe('text from outside', () => {
  test('becomes one line of escapes, or keeps its own lines and tabs', () => {
    expect(printable(`a\n\tb${HOSTILE}`)).toBe(
      String.raw`a\n\tb\u001b[31m\u001b]0;t\u0007\u009b2J\u0085\u202e\u2066\u2028\ud800\udb40\udc41\u00ad\r`,
    );
    expect(visible('a\u001b[2Jb\u0007\u009b\r\n\tc\u00e9\u{1f600}')).toBe(
      String.raw`a\u001b[2Jb\u0007\u009b\u000d` + '\n\tc\u00e9\u{1f600}',
    );
  });

  test('that is letters, emoji, or put together of both with joiners stays as it is', () => {
    const text = 'é 日本 عربي 👨‍👩‍👧 ❤️ می‌خواهم';
    expect([printable(text), visible(text)]).toEqual([text, text]);
  });

  test('is escaped so that JSON stays JSON of the same value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(visible(JSON.stringify([text])))).toEqual([text]);
      }),
    );
  });
});

const through = (text: string, isExact = false): string => {
  const captured = new Captured(80);
  outlet(captured, () => isExact).write(text);
  return captured.text;
};

describe('the way to a terminal', () => {
  test('lets nothing pass that the terminal would act on, whatever is written', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constant(HOSTILE))), (texts) => {
        // A style that is its own, too: those are tested below.
        expect(through(texts.join('')).replaceAll('\u001b[31m', '')).not.toMatch(HARMFUL);
      }),
    );
  });

  test("passes this program's own styles, and the erasing of the progress line at the beginning of a piece", () => {
    for (const own of [
      '\u001b[1mbold\u001b[22m',
      '\u001b[36mcyan\u001b[39m',
      '\r\u001b[K[####] 12 %',
      '\r\u001b[K',
    ]) {
      expect(through(own)).toBe(own);
    }
    expect(through('done\r\u001b[K')).toBe(String.raw`done\u000d\u001b[K`);
    for (const foreign of ['\u001b[8m', '\u001b[5m', '\u001b[1;31m', '\u001b[H', '\u001b[2K', '\u001bc']) {
      expect(through(`x${foreign}`)).toBe(`x${visible(foreign)}`);
    }
  });

  test('is exact for programs, passes bytes, and describes the stream', () => {
    expect(through(HOSTILE, true)).toBe(HOSTILE);
    const written: unknown[] = [];
    let columns = 80;
    const stream: Output = {
      isTTY: true,
      get columns() {
        return columns;
      },
      write: (piece, done) => {
        written.push(piece);
        done?.(new Error('full'));
      },
    };
    const out = outlet(stream, () => false);
    columns = 120;
    expect([out.isTTY, out.columns]).toEqual([true, 120]);
    let failure: unknown;
    const bytes = Uint8Array.of(27, 91);
    out.write(bytes, (error) => (failure = error));
    expect([written, failure]).toEqual([[bytes], new Error('full')]);
  });
});

const said = (columns: number | undefined, ...words: [string, string?]): string => {
  const stderr = new Captured(columns);
  complain(stderr, ...words);
  return stderr.text;
};

describe('a complaint', () => {
  test('prints the message, and the advice below it', () => {
    expect(said(undefined, 'it failed', 'Try again.')).toBe('taskmirror: it failed\n  Try again.\n');
    expect(said(undefined, 'it failed')).toBe('taskmirror: it failed\n');
  });

  test('keeps the lines of a list, and lets no foreign text begin a line', () => {
    expect(said(undefined, `2 problems:\n- one\n- two ${HOSTILE}\ntaskmirror: all is well`, 'a\nb')).toBe(
      `taskmirror: 2 problems:\n- one\n- two ${printable(HOSTILE)}\\ntaskmirror: all is well\n  a\\nb\n`,
    );
  });

  test('is broken at spaces on a terminal, each part indented as it began', () => {
    expect(
      said(
        30,
        'the settings have one problem:\n- this of all things is not a setting',
        'Correct it, then try once more.',
      ),
    ).toBe(
      [
        'taskmirror: the settings have',
        'one problem:',
        '- this of all things is not a',
        '  setting',
        '  Correct it, then try once',
        '  more.',
        '',
      ].join('\n'),
    );
  });
});

test('folded lines keep their words and their indent, and fit if their words do', () => {
  const line = fc.tuple(fc.nat({ max: 6 }), fc.array(fc.stringMatching(/^[a-z日]{1,8}$/), { minLength: 1 }));
  fc.assert(
    fc.property(fc.array(line), fc.integer({ min: 24, max: 90 }), (lines, columns) => {
      const text = lines.map(([indent, words]) => ' '.repeat(indent) + words.join(' ')).join('\n');
      const result = folded(text, columns);
      expect(result.split(/\s+/)).toEqual(text.split(/\s+/));
      for (const part of result.split('\n')) expect(widthOf(part)).toBeLessThanOrEqual(columns);
      expect(folded(text, Infinity)).toBe(text);
    }),
  );
});
