import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/platform/log.ts';
import type { LoggerOptions } from '../../src/platform/log.ts';
import { UsageError } from '../../src/model/errors.ts';
import { createRedactor } from '../../src/platform/redact.ts';
import { widthOf } from '../../src/platform/terminal.ts';
import { Captured } from '../support/captured.ts';

const KEY = 'sigmic_0123456789abcdef';

function logger(options: Partial<LoggerOptions> = {}, stderr = new Captured()) {
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
  test('have time, level and message, and the fields in words below', () => {
    const { log, stderr } = logger({ format: 'pretty' });
    log
      .child({ run: 12 })
      .info({ rowsSeen: 3, waitMs: 1_250, overlapSeconds: 600, error: null, sources: ['a'] }, 'page');
    const [first, ...more] = stderr.lines;
    expect(first).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\] INFO: page$/);
    expect(more).toEqual(['    run 12, rows seen 3, wait 1.3 s, overlap 600 s, sources ["a"]']);
  });

  test('fit a terminal of 80 columns, as those of a run and of a request that is repeated', () => {
    const stderr = new Captured(80);
    const { log } = logger(
      { format: 'pretty', isTTY: true, hintOf: () => 'Put it right. '.repeat(9).trim() },
      stderr,
    );
    const run = log.child({ source: 'default', run: 1_234 });
    const counts = { requests: 2, inserted: 12, updated: 3, removed: 0, error: null };
    run.info({ kind: 'incremental', outcome: 'ok', verdict: 'clean', ...counts }, 'run ok');
    const cause = 'ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:9';
    run.warn({ path: '/api/v1/tasks?limit=1&offset=0', attempt: 1, waitMs: 448, cause }, 'A request failed');
    run.warn({}, 'A key begins with neither sigmic_ nor eyJ. '.repeat(4).trim());
    const err = new UsageError('time_zone_unknown', { timezone: 'X' }, 'No such zone. '.repeat(9).trim(), {
      cause: new Error('socket closed'),
    });
    run.error({ err }, 'the run failed');
    expect(stderr.lines.filter((line) => widthOf(line) > 80)).toEqual([]);
    expect(stderr.text).toContain('    requests 2, inserted 12, updated 3, removed 0\n');
    expect(stderr.text).toContain('wait 448 ms');
    expect(stderr.text).toMatch(/No such zone\.\n    socket closed\n    Put it right\./);
    expect(stderr.text).not.toMatch(/null|\{/);
  });

  test('hold an error of another kind with its stack: it is a bug', () => {
    const { log, stderr } = logger({ format: 'pretty' });
    log.error({ err: new TypeError('no such thing') }, 'run failed');
    expect(stderr.text).toMatch(/ERROR: run failed.*TypeError.*no such thing.*log\.test\.ts/s);
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
