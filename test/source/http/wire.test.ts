import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createBodyParser, parseErrorBody } from '../../../src/source/http/wire.ts';
import { OMITTABLE, type OmittableField } from '../../../src/model/task.ts';
import { wireTask } from '../../contracts/task-source.ts';

const parser = createBodyParser(new Set());
const body = (data: unknown) => JSON.stringify({ success: true, data });
const plain = (text: string) => text;
const listOf = (...rows: unknown[]) => ({ success: true, data: rows, pagination: { hasMore: false } });

/** What becomes of one row of the list, given as an object or as JSON text. */
function parse(row: unknown, omit: OmittableField[] = []) {
  const text = typeof row === 'string' ? row : JSON.stringify(row);
  const page = `{"success":true,"data":[${text}],"pagination":{"hasMore":false}}`;
  const [parsed] = createBodyParser(new Set(omit)).list(page).rows;
  if (parsed === undefined) throw new Error('The page has no row');
  return parsed;
}
/** What becomes of rows of one page, each given as JSON text or as an object. */
const rowsOf = (...rows: unknown[]) => {
  const texts = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)));
  return parser.list(`{"success":true,"data":[${texts.join(', ')}],"pagination":{"hasMore":false}}`).rows;
};
/** A minute of the hour of wireTask(0). */
const at = (minutes: number) => new Date(Date.UTC(2026, 0, 26, 15, minutes)).toISOString();
const taskText = (changes: string) => JSON.stringify(wireTask(0)).replace('{', `{${changes},`);

describe('the frame of a list', () => {
  test.each([
    [42, 42],
    [0, 0],
    [null, null],
    ['42', null],
    [-1, null],
    [4.5, null],
    [1e30, null],
    [undefined, null],
  ])('a total of %j counts as %j', (total, expected) => {
    const text = JSON.stringify({ success: true, data: [], pagination: { total, hasMore: true } });
    expect(parser.list(text)).toEqual({ rows: [], total: expected, hasMore: true });
  });

  test('more rows than a page may have are taken as they come', () => {
    const rows = Array.from({ length: 250 }, (_, index) => wireTask(index));
    expect(parser.list(JSON.stringify(listOf(...rows))).rows).toHaveLength(250);
  });

  test.each([
    ['{}', /success: expected true; data: expected an array; pagination: expected an object/],
    ['[]', /the body: /],
    ['null', /the body: /],
    [
      '{"success":true,"data":[],"pagination":{"hasMore":"no"}}',
      /pagination\.hasMore: expected true or false/,
    ],
    ['{"success":true,"data":{"0":1},"pagination":{"hasMore":false}}', /data: expected an array/],
    ['{"success":true,"data":["secret', /\d+ characters that do not parse/],
  ])('%s is not the expected JSON, and the error quotes none of it', (text, message) => {
    expect(() => parser.list(text)).toThrow(message);
    expect(() => parser.list(text)).not.toThrow(/secret/);
  });
});

describe('times', () => {
  test.each([
    ['2026-01-26T15:50:54.870Z', '2026-01-26T15:50:54.870Z'],
    ['2026-01-26T15:50:54Z', '2026-01-26T15:50:54.000Z'],
    ['2026-01-26t15:50:54.1z', '2026-01-26T15:50:54.100Z'],
    ['2026-01-26T15:50:54.999999999Z', '2026-01-26T15:50:54.999Z'],
    ['2026-01-26T15:50:54.87+02:00', '2026-01-26T13:50:54.870Z'],
    ['2026-12-31T23:30:00-0130', '2027-01-01T01:00:00.000Z'],
    ['2024-02-29T00:00:00+00:00', '2024-02-29T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s is stored as %s', (text, stored) => {
    const row = parse(
      wireTask(0, { lastActivityAt: text, createdAt: text, startedAt: text, completedAt: text }),
    );
    expect(row.task).toMatchObject({
      lastActivityAt: stored,
      createdAt: stored,
      startedAt: stored,
      completedAt: stored,
    });
    expect(row.activity).toBe(Date.parse(stored));
  });

  test.each([
    '',
    'yesterday',
    '2026-01-26',
    '2026-01-26T15:50:54',
    '2026-01-26 15:50:54Z',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00.000Z',
    '2026-13-01T00:00:00.000Z',
    '2026-01-26T24:00:00.000Z',
    '2026-01-26T15:60:00.000Z',
    '2026-01-26T15:50:54+24:00',
    '0000-12-31T23:59:59.999Z',
    '0001-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
    '+010000-01-01T00:00:00Z',
    1769442963070,
    null,
    undefined,
  ])('%j as the time of the last activity rejects the row', (lastActivityAt) => {
    const row = parse(wireTask(0, { lastActivityAt }));
    expect(row.activity).toBeNull();
    expect(row.rejected?.reason).toMatch(/^lastActivityAt: expected an ISO 8601 time with Z or an offset/);
  });
});

describe('a row', () => {
  test('without its nullable fields has null there', () => {
    const row = wireTask(0);
    for (const field of ['systemPrompt', 'env', 'error', 'startedAt', 'completedAt']) delete row[field];
    const none = { systemPrompt: null, env: null, error: null, startedAt: null, completedAt: null };
    expect(parse(row).task).toMatchObject(none);
  });

  const required = [
    'apiKeyId',
    'username',
    'sessionId',
    'conversationId',
    'status',
    'message',
    'showInHistory',
  ];
  test.each([...required, 'id', 'autoExecute', 'createdAt', 'messageCount'])(
    'without %s is rejected',
    (field) => {
      const row = wireTask(0);
      delete row[field];
      expect(parse(row).rejected?.reason).toMatch(new RegExp(`^${field}: expected .*, got nothing$`));
    },
  );

  test.each([
    ['id', '', 'id: expected text that is not empty, got ""'],
    ['id', '..', 'id: expected an id that can be part of a URL, got ".."'],
    ['id', 'x'.repeat(1001), /^id: expected at most 1000 characters, got "x{59}…$/],
    ['id', 7, 'id: expected text, got 7'],
    ['status', '', 'status: expected text that is not empty, got ""'],
    ['message', null, 'message: expected text, got null'],
    ['username', 'a\ud800b', /^username: expected Unicode text, without lone surrogates/],
    ['systemPrompt', '\udc00', /^systemPrompt: expected Unicode text/],
    ['error', ['a', 'b\n'], 'error: expected text, got ["a","b\\n"]'],
    ['env', [], 'env: expected an object or null, got []'],
    ['env', '{}', 'env: expected an object or null, got "{}"'],
    ['showInHistory', 1, 'showInHistory: expected true or false, got 1'],
    ['messageCount', 1.5, 'messageCount: expected a whole number, got 1.5'],
    ['messageCount', -1, 'messageCount: expected 0 or more, got -1'],
    ['messageCount', 2 ** 53, /^messageCount: expected a whole number/],
    ['messageCount', '2', 'messageCount: expected a whole number, got "2"'],
  ])('whose %s is %j is rejected with the reason', (field, value, reason) => {
    const { rejected } = parse(wireTask(0, { [field]: value }));
    expect(rejected?.reason).toMatch(reason);
    expect(rejected?.reason).not.toMatch(/\p{Cc}|\p{Cs}/u);
    expect(rejected?.id).toBe(field === 'id' ? null : 'task-0');
    expect(JSON.parse(rejected?.payload ?? '')).toEqual(wireTask(0, { [field]: value }));
  });

  test.each(['null', '7', '"text"', '[1]', '12345678901234567890'])(
    'that is %s is rejected whole',
    (text) => {
      const rejected = { id: null, payload: text, reason: 'row: expected an object' };
      expect(parse(text)).toEqual({ rejected, activity: null });
    },
  );

  test('with several faults names them all', () => {
    const { rejected } = parse(wireTask(0, { status: 1, autoExecute: 'yes', createdAt: 'x' }));
    expect(rejected?.reason.split('; ').map((part) => part.split(':')[0])).toEqual([
      'status',
      'autoExecute',
      'createdAt',
    ]);
  });

  test('may hold NUL in a text, and lone surrogates in env and extra, if JSON escapes them', () => {
    const { task } = parse(wireTask(0, { message: 'a\0b', env: { a: '\ud800' }, more: '\udc00' }));
    expect(task).toMatchObject({ message: 'a\0b', env: '{"a":"\\ud800"}', extra: '{"more":"\\udc00"}' });
  });

  test('keeps a key __proto__ in env and extra, and lets it change no prototype', () => {
    const { task } = parse(
      taskText('"__proto__":{"status":"evil"},"env":{"__proto__":{"a":1}}').replace('"env":null,', ''),
    );
    expect(task).toMatchObject({
      status: 'completed',
      env: '{"__proto__":{"a":1}}',
      extra: '{"__proto__":{"status":"evil"}}',
    });
    expect({}).not.toHaveProperty('status');
  });

  test('keeps keys that every object inherits as unknown fields', () => {
    expect(parse(taskText('"constructor":1,"toString":null')).task?.extra).toBe(
      '{"constructor":1,"toString":null}',
    );
  });

  test('does not take a field from a key __proto__', () => {
    const row = { ...wireTask(0), status: undefined };
    const text = JSON.stringify(row).replace('{', '{"__proto__":{"status":"completed"},');
    expect(parse(text).rejected?.reason).toBe('status: expected text, got nothing');
  });

  test('keeps numbers in env and extra that a double would round', () => {
    const { task } = parse(taskText('"snowflake":12345678901234567890,"short":1.50'));
    expect(task?.extra).toBe('{"snowflake":12345678901234567890,"short":1.5}');
  });

  const NUMBERS = [
    '1e400',
    '-1e999',
    '1e-400',
    '-1e-400',
    '2.5e-320',
    '-0',
    '-0.0',
    '9007199254740993',
    '-12345678901234567890',
    '1234567890.1234567890',
    '1234567.0000000000001',
    '0.1000000000000000055511151231257827',
  ];
  test.each(NUMBERS)('keeps the number %s in env and in an unknown field as it was sent', (number) => {
    for (const value of [`{"n":${number}}`, `{"a":[{"b":[${number},"x"]}]}`, `{"a":null,"n":${number}}`]) {
      expect(parse(taskText(`"more":${value}`)).task?.extra).toBe(`{"more":${value}}`);
      expect(parse(taskText('').replace('{,', '{').replace('"env":null', `"env":${value}`)).task?.env).toBe(
        value,
      );
    }
    expect(parse(taskText(`"more":${number}`)).task?.extra).toBe(`{"more":${number}}`);
  });

  test('is stored the same whatever else is on its page', () => {
    const numbers = fc.constantFrom(
      ...NUMBERS,
      '0',
      '1',
      '7.25',
      '1e5',
      '1.50',
      '1e21',
      'null',
      '"1e400"',
      '{}',
    );
    fc.assert(
      fc.property(fc.array(numbers, { minLength: 1, maxLength: 6 }), (values) => {
        const rows = values.map((value, i) =>
          JSON.stringify(wireTask(i)).replace('"env":null', `"env":{"n":${value}}`),
        );
        expect(rowsOf(...rows)).toEqual(rows.flatMap((row) => rowsOf(row)));
      }),
    );
  });

  test.each(['1e400', '-1e400', '9007199254740993', '1.5', '-3', '1e16'])(
    'whose message count is %s is rejected, and shows that number',
    (number) => {
      const { rejected } = parse(
        taskText('').replace('{,', '{').replace('"messageCount":2', `"messageCount":${number}`),
      );
      expect(rejected?.reason).toMatch(/^messageCount: expected (a whole number|0 or more), got /);
      const shown = number === '1e16' ? '10000000000000000' : number;
      expect(rejected?.reason.endsWith(`got ${shown}`)).toBe(true);
      expect(rejected?.payload).toContain(`"messageCount":${shown}`);
    },
  );

  test.each([
    ['-0', 0],
    ['2.0', 2],
    ['2e0', 2],
    ['2.00000000000000000000', 2],
  ])('whose message count is written %s has that count', (number, count) => {
    const text = taskText('').replace('{,', '{').replace('"messageCount":2', `"messageCount":${number}`);
    expect(parse(text).task?.messageCount === count).toBe(true);
  });

  test('nested deeper than can be written again is rejected, and the page goes on', () => {
    const deep = '['.repeat(50_000) + ']'.repeat(50_000);
    for (const changes of [
      `"more":${deep}`,
      `"message":${deep}`,
      `"n":12345678901234567890,"more":${deep}`,
    ]) {
      expect(parse(taskText(changes).replace(',"message":"What is 0+2?"', ''))).toEqual({
        rejected: { id: 'task-0', payload: '{"id":"task-0"}', reason: 'row: expected less nesting' },
        activity: Date.UTC(2026, 0, 26, 15, 56),
      });
    }
  });
});

describe('a task that a page shows twice', () => {
  const newer = wireTask(0, { id: 'twin', status: 'running', lastActivityAt: at(50) });
  const older = wireTask(0, { id: 'twin', status: 'pending', lastActivityAt: at(40) });
  const between = wireTask(0, { id: 'between', lastActivityAt: at(45) });
  const bad = { ...older, status: 7 };
  test('is the upper one in both places, and each place keeps its time', () => {
    const rows = rowsOf(newer, between, older);
    expect(rows.map(({ task }) => task?.status)).toEqual(['running', 'completed', 'running']);
    expect(rows.map(({ activity }) => activity)).toEqual([50, 45, 40].map((m) => Date.parse(at(m))));
    expect(rows[2]?.task).toEqual(rows[0]?.task);
  });

  test('is the first one if both have the same time, and the first of three', () => {
    const tie = { ...older, lastActivityAt: at(50) };
    for (const rows of [rowsOf(newer, tie), rowsOf(newer, tie, older, between)]) {
      expect(rows.flatMap(({ task }) => (task?.id === 'twin' ? task.status : []))).toEqual(
        rows.slice(0, rows.length === 2 ? 2 : 3).map(() => 'running'),
      );
    }
  });

  test('is not rejected for a version further down that cannot be read', () => {
    const rows = rowsOf(newer, between, bad);
    expect(rows.map(({ task }) => task?.status)).toEqual(['running', 'completed', 'running']);
  });

  test('is rejected if the upper version cannot be read: no older one replaces it', () => {
    const rows = rowsOf({ ...bad, lastActivityAt: at(50) }, between, older);
    expect(rows.map((row) => row.rejected?.reason)).toEqual([
      'status: expected text, got 7',
      undefined,
      'status: expected text, got 7',
    ]);
    expect(rows[2]?.activity).toBe(Date.parse(at(40)));
  });

  test('stays rejected if a version has no place', () => {
    const lost = { ...older, lastActivityAt: null };
    const rows = rowsOf(newer, lost);
    expect(rows.map(({ activity }) => activity)).toEqual([Date.parse(at(50)), null]);
    expect(rows[1]?.rejected).toMatchObject({ id: 'twin' });
  });

  test('is nothing that rows without an id can be', () => {
    expect(rowsOf(null, { ...newer, id: 7 }, 7, newer).map(({ task }) => task?.id)).toEqual([
      undefined,
      undefined,
      undefined,
      'twin',
    ]);
  });
});

describe('omitted fields', () => {
  const secretive = wireTask(0, {
    ...Object.fromEntries(OMITTABLE.filter((field) => field !== 'extra').map((field) => [field, 'hidden'])),
    env: { a: 'hidden' },
    more: 'hidden',
  });

  test('are null in a task, and the rest stays', () => {
    const { task } = parse(secretive, [...OMITTABLE]);
    expect(task).toMatchObject({ id: 'task-0', status: 'completed', messageCount: 2 });
    expect(OMITTABLE.map((field) => task?.[field])).toEqual(OMITTABLE.map(() => null));
  });

  test.each(OMITTABLE)('%s alone is null, and nothing else', (field) => {
    const { task } = parse(secretive, [field]);
    expect(task).toEqual({ ...parse(secretive).task, [field]: null });
  });

  test('stand neither in the payload nor in the reason of a rejected row', () => {
    const { rejected } = parse({ ...secretive, createdAt: 'never' }, [...OMITTABLE]);
    expect(JSON.stringify(rejected)).not.toContain('hidden');
    expect(JSON.parse(rejected?.payload ?? '')).toMatchObject({
      id: 'task-0',
      status: 'completed',
      createdAt: 'never',
    });
  });

  test('are not looked at: one that does not validate rejects nothing', () => {
    expect(parse(wireTask(0, { message: 7, env: 'hidden' }), ['message', 'env']).task).toMatchObject({
      message: null,
    });
  });

  test('leave nothing of a row that is not even an object', () => {
    expect(JSON.stringify(parse('["hidden"]', ['message']))).not.toContain('hidden');
  });
});

describe('the answer to GET', () => {
  const detail = {
    ...wireTask(0, { env: { a: 1 } }),
    output: { content: 'long' },
    pendingApprovals: [],
    more: 1,
  };

  test('is the task without what only the list has; output and the like are not looked at', () => {
    const { lastActivityAt: _time, messageCount: _count, ...fields } = wireTask(0, { env: '{"a":1}' });
    expect(parser.detail(body(detail))).toEqual(fields);
  });

  test('that does not validate is rejected without output and the like', () => {
    const answer = parser.detail(body({ ...detail, status: 5 }));
    expect(answer).toMatchObject({ rejected: { id: 'task-0', reason: 'status: expected text, got 5' } });
    expect(JSON.stringify(answer)).not.toMatch(/output|pendingApprovals|more/);
  });

  test('without omitted fields has null there, and in a rejection nothing', () => {
    const careful = createBodyParser(new Set(['message', 'env']));
    expect(careful.detail(body(detail))).toMatchObject({ message: null, env: null });
    expect(JSON.stringify(careful.detail(body({ ...detail, status: 5 })))).not.toMatch(/What is|\\"env/);
  });

  test.each(['{"success":true}', '{"success":true,"data":[]}', '{"success":true,"data":null}'])(
    '%s is no answer',
    (text) => {
      expect(() => parser.detail(text)).toThrow('data: expected an object');
    },
  );
});

describe('the body of an error', () => {
  test('gives message and code, on one line and cut', () => {
    const error = { message: `line 1\nline\u001b[31m 2 ${'x'.repeat(1000)}`, code: 'BAD\u0000CODE' };
    const parsed = parseErrorBody(JSON.stringify({ success: false, error }), plain);
    expect(parsed?.message).toMatch(/^line 1 line \[31m 2 x+…$/);
    expect(parsed?.message.length).toBeLessThan(310);
    expect(parsed?.code).toBe('BAD CODE');
  });

  test.each(['', 'no', '[]', '"x"', 'null', '{}', '{"error":null}', '{"error":"text"}'])(
    '%s is not the API`s',
    (text) => {
      expect(parseErrorBody(text, plain)).toBeNull();
    },
  );

  test('may lack message and code', () => {
    expect(parseErrorBody('{"error":{"message":5}}', plain)).toEqual({ message: '', code: '' });
  });
});
