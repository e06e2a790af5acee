import { describe, expect, it } from 'vitest';
import { printRows } from '../../src/render/rows.ts';
import type { Format, PrintOptions } from '../../src/render/rows.ts';
import type { Cell, Table } from '../../src/store/queryable.ts';
import { ago, cut, duration, printable, usesColor, widthOf, wrapped } from '../../src/render/text.ts';
import { batchesOf } from '../support/batches.ts';
import { Captured } from '../support/captured.ts';

const HOSTILE = [
  'plain',
  '',
  'with "quotes", commas; and\nnew\r\nlines\r',
  ' spaces around ',
  '日本語テキスト 한국어',
  '👋 family 👨‍👩‍👧‍👦 flag 🇩🇪',
  'e\u0301 combining',
  '\u001b[31mred\u001b[0m \u0000 \u0007 \u009b31m \u202ertl',
  '\u2028line\u2029paragraph\u0085',
  '=1+1',
  '0012',
  'NULL',
];

async function printed(
  { columns, rows }: Table,
  format: Format,
  options: PrintOptions & { columns?: number } = {},
): Promise<string> {
  const output = new Captured(options.columns);
  await printRows(output, { columns, batches: batchesOf(rows, 300) }, format, options);
  return output.text;
}

const single = (cells: readonly Cell[]): Table => ({ columns: ['v'], rows: cells.map((cell) => [cell]) });

/** Reads CSV by the grammar of RFC 4180; an empty field without quotes is null. */
function parseCsv(text: string): (string | null)[][] {
  const records: (string | null)[][] = [];
  let record: (string | null)[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/gy;
  for (let match = field.exec(text); match !== null; match = field.exec(text)) {
    record.push(match[1] === undefined ? match[2] || null : match[1].replaceAll('""', '"'));
    if (match[3] === '\n') {
      records.push(record);
      record = [];
    }
    if (field.lastIndex === text.length) return records;
  }
  throw new Error(`no CSV from character ${field.lastIndex} on`);
}

describe('json and jsonl', () => {
  it.each(['json', 'jsonl'] as const)('%s gives text back exactly as it was', async (format) => {
    const text = await printed(single(HOSTILE), format);
    const objects: unknown =
      format === 'json'
        ? JSON.parse(text)
        : text
            .trimEnd()
            .split('\n')
            .map((line): unknown => JSON.parse(line));
    expect(objects).toEqual(HOSTILE.map((v) => ({ v })));
  });

  it('jsonl puts one object on a line, whatever the reader takes for a line end', async () => {
    const text = await printed(single(HOSTILE), 'jsonl');
    expect(text.trimEnd().split(/[\n\r\u0085\u2028\u2029]/)).toHaveLength(HOSTILE.length);
  });

  it('writes integers as numbers up to 2^53 - 1 and as strings beyond, so that no digit is lost', async () => {
    const cells = [9007199254740991n, 9007199254740992n, -9007199254740991n, -9223372036854775808n];
    expect(await printed(single(cells), 'jsonl')).toBe(
      '{"v":9007199254740991}\n{"v":"9007199254740992"}\n{"v":-9007199254740991}\n{"v":"-9223372036854775808"}\n',
    );
  });

  it('keeps NULL, real numbers, infinities and BLOBs apart', async () => {
    const cells = [null, 1.5, Infinity, -Infinity, Buffer.from([0, 255])];
    expect(await printed(single(cells), 'jsonl')).toBe(
      '{"v":null}\n{"v":1.5}\n{"v":"Infinity"}\n{"v":"-Infinity"}\n{"v":"00ff"}\n',
    );
  });

  it('keeps every column of a name that comes twice, in column order', async () => {
    const text = await printed(
      { columns: ['2', 'a', '1', 'a', 'a', '__proto__'], rows: [[1n, 2n, 3n, 4n, 5n, 6n]] },
      'jsonl',
    );
    expect(text).toBe('{"2":1,"a":2,"1":3,"a_2":4,"a_3":5,"__proto__":6}\n');
  });

  it('leaves a name that the query gives with its first column', async () => {
    const columns = ['a', 'a', 'a_2', 'a_2'];
    const text = await printed({ columns, rows: [[1n, 2n, 3n, 4n]] }, 'jsonl');
    expect(text).toBe('{"a":1,"a_3":2,"a_2":3,"a_2_2":4}\n');
  });

  it('json is an array also if there are no rows, jsonl is then empty', async () => {
    expect(await printed(single([]), 'json')).toBe('[]\n');
    expect(await printed(single([]), 'jsonl')).toBe('');
  });
});

describe('csv', () => {
  it('gives text back exactly as it was', async () => {
    const rows = HOSTILE.map((text, index) => [BigInt(index), text]);
    const text = await printed({ columns: ['n', 'v'], rows }, 'csv');
    expect(parseCsv(text)).toEqual([['n', 'v'], ...HOSTILE.map((cell, index) => [`${index}`, cell])]);
  });

  it('tells NULL from an empty text, and keeps every digit', async () => {
    const row = [null, '', 9223372036854775807n, 0.1, Buffer.from('ÿ')];
    expect(await printed({ columns: ['a', 'b', 'c', 'd', 'e'], rows: [row] }, 'csv')).toBe(
      'a,b,c,d,e\n,"",9223372036854775807,0.1,c3bf\n',
    );
  });

  it('quotes names, and prints the header of an empty result', async () => {
    expect(await printed({ columns: ['count(*)', 'a,b'], rows: [] }, 'csv')).toBe('count(*),"a,b"\n');
  });

  it.each([
    '=1+1',
    '+1',
    '-1',
    '@x',
    '\tx',
    '\rx',
    '\nx',
    '\n=1+1',
    '＝1+1',
    '＋1',
    '－1',
    '＠x',
    '=HYPERLINK("http://x","y")',
  ])("puts ' before a text that begins like a formula, on request only: %j", async (text) => {
    const result = { columns: [text], rows: [[text]] };
    const escaped = await printed(result, 'csv', { escapeFormulas: true });
    expect(parseCsv(escaped)).toEqual([[`'${text}`], [`'${text}`]]);
    expect(parseCsv(await printed(result, 'csv'))).toEqual([[text], [text]]);
  });

  it('leaves numbers, and all other text, as they are if formulas are escaped', async () => {
    const row = [-5n, -0.25, -9223372036854775808n, null, '', 'a=1', '2026-01-01', Buffer.from('=')];
    expect(await printed({ columns: row.map(() => 'c'), rows: [row] }, 'csv', { escapeFormulas: true })).toBe(
      'c,c,c,c,c,c,c,c\n-5,-0.25,-9223372036854775808,,"",a=1,2026-01-01,3d\n',
    );
  });
});

describe('a table in a pipe', () => {
  it('is aligned, whole and without colour', async () => {
    const long = 'x'.repeat(300);
    const rows = [
      ['a', 5n, long],
      ['日本', 1234n, ''],
      ['c', null, 'z'],
    ];
    expect(await printed({ columns: ['id', 'n', 'text'], rows }, 'table', { color: true })).toBe(
      [
        `id       n  text`,
        `----  ----  ${'-'.repeat(300)}`,
        `a        5  ${long}`,
        `日本  1234`,
        `c     NULL  z`,
        '',
      ].join('\n'),
    );
  });

  it('keeps each row on one line and lets no control character through', async () => {
    const text = await printed(single(HOSTILE), 'table');
    expect(text.split('\n')).toHaveLength(HOSTILE.length + 3);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202e]/u);
  });

  it('prints rows beyond those that decided the widths whole', async () => {
    const texts = Array.from({ length: 2_500 }, (_, index) => `row ${index} ${'y'.repeat(1 + (index % 7))}`);
    const lines = (await printed(single(texts), 'table')).trimEnd().split('\n');
    expect(lines.slice(2)).toEqual(texts);
  });
});

describe('a table on a terminal', () => {
  const wide: Table = {
    columns: ['id', 'message', 'n'],
    rows: [
      ['c37c1d78', 'What is 2+2? '.repeat(20), 2n],
      ['日本語', '👋'.repeat(100), 12n],
      ['x', null, null],
    ],
  };

  it.each([40, 60, 80, 200])('fits into %i columns, cut cells with an ellipsis', async (columns) => {
    const text = await printed(wide, 'table', { columns });
    const lines = text.trimEnd().split('\n');
    expect(lines.map(widthOf)).toEqual(lines.map(() => widthOf(lines[0] ?? '')));
    expect(widthOf(lines[0] ?? '')).toBeLessThanOrEqual(columns);
    expect(text).toContain('…');
    expect(text).toContain('c37c1d78');
  });

  it.each([
    ['a table, if only text is cut', ['id', 'text'], '┌'],
    ['records, if a time or an id would be cut', ['id', 'text', 'started_at', 'ended_at'], '─── row 1'],
  ])('is %s at 80 columns', async (_, columns, begins) => {
    const cells: Record<string, string> = {
      id: 'c7ced69e-33b5-4b09-b61d-fb283f4a81d4',
      text: 'What is 2+2? '.repeat(20),
      started_at: '2026-01-26T12:00:00.000Z',
      ended_at: '2026-01-26T12:00:01.000Z',
    };
    const row = columns.map((name) => cells[name] ?? null);
    const text = await printed({ columns, rows: [row] }, 'table', { columns: 80 });
    expect(text.startsWith(begins)).toBe(true);
    expect(text.split('\n').filter((line) => widthOf(line) > 80)).toEqual([]);
    for (const name of columns.filter((each) => each !== 'text')) expect(text).toContain(cells[name]);
  });

  it('cuts nothing if it fits', async () => {
    const text = await printed({ columns: ['a'], rows: [['short']] }, 'table', { columns: 80 });
    expect(text).toBe('┌───────┐\n│ a     │\n├───────┤\n│ short │\n└───────┘\n');
  });

  it('shows a result of too many columns as records', async () => {
    const columns = Array.from({ length: 21 }, (_, index) => `column_${index}`);
    const result = { columns, rows: [columns.map((name) => name.repeat(20)), columns.map(() => null)] };
    const lines = (await printed(result, 'table', { columns: 60 })).trimEnd().split('\n');
    expect(lines).toHaveLength(2 * 22);
    expect(lines.slice(0, 2)).toEqual([
      '─── row 1 ───',
      `column_0  │ ${'column_0'.repeat(20).slice(0, 47)}…`,
    ]);
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(60);
  });

  it('reports that such a result has no rows', async () => {
    const columns = Array.from({ length: 21 }, (_, index) => `column_${index}`);
    expect(await printed({ columns, rows: [] }, 'table', { columns: 60 })).toBe('no rows\n');
  });

  it('has one header and one frame, however many rows there are', async () => {
    const rows = Array.from({ length: 2_500 }, (_, index) => [BigInt(index)]);
    const lines = (await printed({ columns: ['n'], rows }, 'table', { columns: 80 })).trimEnd().split('\n');
    expect(lines).toHaveLength(2_500 + 4);
    expect(lines.at(-1)).toBe('└─────┘');
    expect(lines.filter((line) => line.includes('─'))).toHaveLength(3);
  });

  it('dims NULL if colour is on, and sends no other escape', async () => {
    const rows = { columns: ['v'], rows: [[null], ['NULL'], ['\u001b[31m']] };
    const [before, ...escapes] = (await printed(rows, 'table', { columns: 80, color: true })).split('\u001b');
    expect(before).toMatch(/│ $/);
    expect(escapes).toEqual(['[2mNULL', expect.stringMatching(/^\[22m +│/)]);
    expect(await printed(rows, 'table', { columns: 80 })).not.toContain('\u001b');
  });

  it('assumes 80 columns if the terminal reports none', async () => {
    const [line = ''] = (await printed(wide, 'table', { columns: 0 })).split('\n');
    expect(widthOf(line)).toBeLessThanOrEqual(80);
    expect(widthOf(line)).toBeGreaterThan(70);
  });
});

describe('text', () => {
  it('shows control, format and direction characters, and leaves letters and emoji alone', () => {
    expect(printable('a\tb\r\n\u001b[0m\u202e\u00ad\ud800\u{e0041}')).toBe(
      'a\\tb\\r\\n\\u001b[0m\\u202e\\u00ad\\ud800\\udb40\\udc41',
    );
    expect(printable('é 日本 👨‍👩‍👧 ❤️ \\n')).toBe('é 日本 👨‍👩‍👧 ❤️ \\n');
  });

  it('cuts by columns and never through a character', () => {
    expect(cut('日本語', 6)).toBe('日本語');
    expect(cut('日本語', 5)).toBe('日本…');
    expect(cut('日本語', 4)).toBe('日…');
    expect(cut('👨‍👩‍👧', 4)).toBe('👨…');
  });

  it('breaks lines at spaces only', () => {
    expect(wrapped('one two three https://a.long/address', 9)).toEqual([
      'one two',
      'three',
      'https://a.long/address',
    ]);
  });

  it('writes durations by their two largest units', () => {
    const ms = [0, 999.4, 1_249, 5_001, 59_949, 59_950, 200_000, 3_599_500, 7_500_000, 93_600_000, -340];
    expect(ms.map(duration)).toEqual([
      '0 ms',
      '999 ms',
      '1.2 s',
      '5 s',
      '59.9 s',
      '1 m',
      '3 m 20 s',
      '1 h',
      '2 h 5 m',
      '1 d 2 h',
      '-340 ms',
    ]);
  });

  it('says how long ago a time was, also if the clocks disagree', () => {
    const now = Date.parse('2026-01-26T12:00:00.000Z');
    expect(ago('2026-01-26T11:56:00.000Z', now)).toBe('4 m ago');
    expect(ago('2026-01-26T12:05:00.000Z', now)).toBe('in 5 m');
    expect(ago('2026-01-26T11:59:59.500Z', now)).toBe('just now');
  });

  it.each([
    [true, {}, true],
    [true, { NO_COLOR: '' }, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
  ])('on a terminal (%s) with %o, colour is %s', (terminal, env, expected) => {
    expect(usesColor({ stdout: new Captured(terminal ? 80 : undefined), env })).toBe(expected);
  });
});

it.each([
  ['csv', 'v\ntrue\nfalse\n\n'],
  ['jsonl', '{"v":true}\n{"v":false}\n{"v":null}\n'],
  ['table', 'v\n-----\ntrue\nfalse\nNULL\n'],
] as const)('booleans, which PostgreSQL has, are true and false in %s', async (format, text) => {
  expect(await printed(single([true, false, null]), format)).toBe(text);
});
