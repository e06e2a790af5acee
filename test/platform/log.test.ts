import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/platform/log.ts';
import type { LoggerOptions } from '../../src/platform/log.ts';
import { UsageError } from '../../src/model/errors.ts';
import { createRedactor } from '../../src/platform/redact.ts';
import { Captured } from '../support/captured.ts';

const KEY = 'sigmic_0123456789abcdef';

function logger(options: Partial<LoggerOptions> = {}) {
  const stderr = new Captured();
  const redactor = createRedactor();
  const log = createLogger({
    level: 'info',
    format: 'json',
    isTTY: false,
    color: false,
    redactor,
    ...options,
    stderr,
  });
  const entries = (): Record<string, unknown>[] => stderr.lines.map((line) => JSON.parse(line));
  return { log, redactor, stderr, entries };
}

describe('JSON lines', () => {
  test('have level, UTC time, fields and message, and are written before the call returns', () => {
    const { log, entries } = logger();
    log.info({ rows: 3, nested: { deep: [1] } }, 'page');
    expect(entries()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        rows: 3,
        nested: { deep: [1] },
        msg: 'page',
      },
    ]);
  });

  test('of a child carry its fields', () => {
    const { log, entries } = logger();
    log.child({ run: 12 }).warn({ source: 'work' }, 'late');
    expect(entries()).toMatchObject([{ level: 'warn', run: 12, source: 'work', msg: 'late' }]);
  });

  test('hold an error of another kind with its stack and causes: it is a bug', () => {
    const { log, entries } = logger();
    log.error({ err: new TypeError('no such thing', { cause: new Error('socket closed') }) }, 'run failed');
    expect(entries()[0]).toMatchObject({
      err: {
        type: 'TypeError',
        message: 'no such thing',
        stack: expect.stringContaining('log.test.ts'),
        cause: { message: 'socket closed', stack: expect.stringContaining('log.test.ts') },
      },
    });
  });

  test('hold an error of our own with its code, facts, hint and causes, and no stack: it is expected', () => {
    const { log, entries, stderr } = logger({ hintOf: () => 'try this' });
    const cause = new Error('socket closed', { cause: new Error('reset') });
    log.error(
      { err: new UsageError('time_zone_unknown', { timezone: 'X' }, 'it failed', { cause }) },
      'run failed',
    );
    expect(entries()[0]).toMatchObject({
      msg: 'run failed',
      err: {
        type: 'UsageError',
        message: 'it failed',
        code: 'time_zone_unknown',
        facts: { timezone: 'X' },
        hint: 'try this',
        cause: { message: 'socket closed', cause: { message: 'reset' } },
      },
    });
    expect(stderr.text).not.toContain('log.test.ts');
  });
});

test('levels below the set one are left out; silent leaves out all', () => {
  const warnings = logger({ level: 'warn' });
  warnings.log.info({}, 'no');
  warnings.log.warn({}, 'yes');
  expect(warnings.entries()).toMatchObject([{ msg: 'yes' }]);
  const silent = logger({ level: 'silent' });
  silent.log.error({}, 'no');
  expect(silent.stderr.text).toBe('');
});

const isJson = (options: Partial<LoggerOptions>) => {
  const { log, stderr } = logger(options);
  log.info({}, 'x');
  return stderr.text.startsWith('{');
};

describe('the format', () => {
  test('auto is pretty on a terminal and JSON elsewhere', () => {
    expect(isJson({ format: 'auto', isTTY: true })).toBe(false);
    expect(isJson({ format: 'auto', isTTY: false })).toBe(true);
  });

  test('pretty and json hold everywhere', () => {
    expect(isJson({ format: 'pretty', isTTY: false })).toBe(false);
    expect(isJson({ format: 'json', isTTY: true })).toBe(true);
  });
});

describe('pretty lines', () => {
  test('have time, level, message and fields on one line', () => {
    const { log, stderr } = logger({ format: 'pretty' });
    log.child({ run: 12 }).info({ rows: 3 }, 'page');
    expect(stderr.text).toMatch(
      /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z\] INFO: page \{"run":12,"rows":3\}\n$/,
    );
  });

  test('have colour only on request', () => {
    const plain = logger({ format: 'pretty' });
    const coloured = logger({ format: 'pretty', color: true });
    for (const { log } of [plain, coloured]) log.error({ a: 1 }, 'x');
    expect(stripVTControlCharacters(plain.stderr.text)).toBe(plain.stderr.text);
    expect(stripVTControlCharacters(coloured.stderr.text)).not.toBe(coloured.stderr.text);
  });

  test('pass on no control characters', () => {
    const { log, stderr } = logger({ format: 'pretty' });
    log.error({ err: new Error('bad \u001b[2J') }, 'the API said \u009b31m');
    expect(stderr.text).not.toMatch(/(?!\n)\p{Cc}/u);
    expect(stderr.text).toContain(String.raw`the API said \u009b31m`);
  });
});

describe.for(['json', 'pretty'] as const)('a secret in %s', (format) => {
  test('is replaced in messages, fields, keys, children, stacks, causes and URLs', () => {
    const { log, redactor, stderr } = logger({ format, level: 'trace' });
    const child = log.child({ bound: KEY });
    redactor.add(KEY);
    const cause = new Error(`connect ${KEY}`, { cause: new AggregateError([new Error(KEY)], 'all failed') });
    const err = Object.assign(new Error(`401 for ${KEY}`, { cause }), { headers: { authorization: KEY } });
    child.info({ [KEY]: 1, list: [{ deep: `Bearer ${KEY}` }] }, `key ${KEY}`);
    child.error({ err, url: new URL(`https://x.example/?key=${KEY}`) }, 'failed');
    log.debug({ basic: Buffer.from(KEY).toString('base64'), text: JSON.stringify({ KEY }) }, 'x');
    expect(stderr.text).toContain('[redacted]');
    expect(stderr.text).not.toContain(KEY);
    expect(stderr.text).not.toContain(KEY.slice(7));
    expect(stderr.text).not.toContain(Buffer.from(KEY).toString('base64').replace(/=+$/, ''));
  });
});

test('a line stays well formed whatever the secret is', () => {
  for (const secret of ['level', '"', '{', '30', 'info","', 'time']) {
    const { log, redactor, stderr } = logger();
    redactor.add(secret);
    log.info({ secret, count: 30 }, `it is ${secret}`);
    expect(JSON.parse(stderr.text)).toMatchObject({ msg: 'it is [redacted]', count: 30 });
  }
});
