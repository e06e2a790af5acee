import { chmodSync, mkdirSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fileChecks } from '../../src/cli/commands/doctor/file.ts';
import { versionChecks } from '../../src/cli/commands/doctor/versions.ts';
import { sourceChecks } from '../../src/cli/commands/doctor/source.ts';
import { diagnose, doctor } from '../../src/cli/commands/doctor/doctor.ts';
import type { Check, Finding } from '../../src/cli/commands/doctor/doctor.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { DatabaseError, UsageError } from '../../src/model/errors.ts';
import { keyRefused } from '../support/errors.ts';
import type { ListPage, TaskSource } from '../../src/source/source.ts';
import { Captured } from '../support/captured.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { memoryLog, temporaryFolder } from '../support/mirror.ts';
import { CURES } from '../../src/cli/database-hints.ts';

const check = (...findings: Finding[]): Check => ({ name: 'fake', run: async () => findings });
const fine: Finding = { check: 'Node', status: 'ok', detail: '24.0.0' };
const warning: Finding = { check: 'disk', status: 'warn', detail: 'little is free', hint: 'Free some.' };
const failed: Finding = { check: 'API x', status: 'fail', detail: 'no answer', hint: 'Try again.' };

async function examined(
  checks: Check[],
  json = false,
  columns?: number,
): Promise<[code: number, text: string]> {
  const stdout = new Captured(columns);
  return [await doctor({ stdout, env: {} }, checks, { json }), stdout.text];
}

describe('doctor', () => {
  it('wraps long lines on a terminal under their beginning, and none in a pipe', async () => {
    const long = {
      check: 'API x',
      status: 'fail',
      detail: 'no answer '.repeat(9),
      hint: 'Try again. '.repeat(9),
    } as const;
    const text = stripVTControlCharacters((await examined([check(long)], false, 60))[1]);
    const [first = '', ...rest] = text.trimEnd().split('\n');
    expect(first).toMatch(/^FAIL {2}API x {2}no answer/);
    expect(rest.length).toBeGreaterThan(2);
    for (const line of rest) expect(line).toMatch(/^ {13}\S/);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
    expect((await examined([check(long)]))[1].split('\n')).toHaveLength(3);
  });

  it('prints a line for each finding, with advice below failures and warnings', async () => {
    expect(await examined([check(fine), check(warning, failed)])).toEqual([
      EXIT.differences,
      [
        'ok    Node   24.0.0',
        'warn  disk   little is free',
        '             Free some.',
        'FAIL  API x  no answer',
        '             Try again.',
        '',
      ].join('\n'),
    ]);
  });

  it('exits 0 with warnings only', async () => {
    expect(await examined([check(fine, warning)], true)).toEqual([
      EXIT.done,
      `${JSON.stringify({ ok: true, findings: [fine, warning] }, null, 2)}\n`,
    ]);
  });

  it('turns a check that throws into a failure with its hint, and goes on', async () => {
    const crash: Check = {
      name: 'database',
      run: () =>
        Promise.reject(
          new DatabaseError('database_damaged', { file: 'm.db', isChecked: true }, 'it is damaged'),
        ),
    };
    const bug: Check = { name: 'bug', run: () => Promise.reject(new TypeError('x is not a function')) };
    expect(await diagnose([crash, bug, check(fine)])).toEqual({
      ok: false,
      findings: [
        { check: 'database', status: 'fail', detail: 'it is damaged', hint: CURES.database },
        { check: 'bug', status: 'fail', detail: 'x is not a function' },
        fine,
      ],
    });
  });

  it('colours the mark on a terminal only, and lets no control character through', async () => {
    const hostile = check({ ...fine, detail: '\u001b[31mred\n' });
    expect((await examined([hostile], false, 80))[1]).toBe(
      '\u001b[32mok    \u001b[39mNode  \\u001b[31mred\\n\n',
    );
    expect((await examined([hostile]))[1]).toBe('ok    Node  \\u001b[31mred\\n\n');
  });
});

async function nodeStatus(node: string): Promise<string | undefined> {
  const checks = versionChecks({ node, taskmirror: '0.1.0' });
  const { findings } = await diagnose(checks);
  expect(findings.map(({ detail }) => detail.split(' ')[0])).toEqual(['0.1.0', node]);
  return findings[1]?.status;
}

describe('versions', () => {
  it.each([
    ['24.21.0', 'ok'],
    ['22.18.0', 'ok'],
    ['22.17.1', 'fail'],
    ['20.19.5', 'fail'],
    ['100.0.0', 'ok'],
  ])('Node %s: %s', async (version, expected) => {
    expect(await nodeStatus(version)).toBe(expected);
  });
});

const PAGE: ListPage = { rows: [], total: 42, hasMore: true, servedAt: null };

async function sourceFindings(
  list: TaskSource['list'] | UsageError,
  clock: FakeClock = createFakeClock(),
  signal = new AbortController().signal,
): Promise<Finding[]> {
  const settings = {
    database: '/data/mirror.db',
    sources: [{ name: 'main', baseUrl: 'http://127.0.0.1:9', apiKey: { env: 'MAIN_KEY' } }],
  };
  const { findings } = await diagnose(
    sourceChecks({
      io: { stdout: new Captured(), stderr: new Captured(), env: {}, cwd: '/' },
      settings,
      clock,
      log: memoryLog(),
      signal,
      connect: async () => {
        if (list instanceof UsageError) throw list;
        return { list, get: () => Promise.reject(new Error('a doctor reads no task')) };
      },
    }),
  );
  return findings;
}

it('fails if no source is set: no sync could do anything', async () => {
  const checks = sourceChecks({
    io: { stdout: new Captured(), stderr: new Captured(), env: {}, cwd: '/' },
    settings: { database: '/data/mirror.db', sources: [] },
    clock: createFakeClock(),
    log: memoryLog(),
    signal: new AbortController().signal,
    connect: () => Promise.reject(new Error('there is nothing to connect to')),
  });
  expect((await diagnose(checks)).findings).toEqual([
    {
      check: 'settings',
      status: 'fail',
      detail: 'No source is set: there is nothing to mirror.',
      hint: expect.stringContaining('SIGMIC_API_KEY'),
    },
  ]);
});

describe('a source', () => {
  it('is ok if the key is set, the API accepts it and the clocks agree', async () => {
    const clock = createFakeClock();
    const asked: unknown[] = [];
    const findings = await sourceFindings(async (page) => {
      asked.push(page);
      clock.advance(120);
      return { ...PAGE, servedAt: clock.now() - 900 };
    }, clock);
    expect(asked).toEqual([{ limit: 1, offset: 0 }]);
    expect(clock.timeouts).toEqual([15_000]);
    expect(findings).toEqual([
      { check: 'settings', status: 'ok', detail: 'valid: 1 source (main), database /data/mirror.db' },
      { check: 'key main', status: 'ok', detail: 'found in environment variable MAIN_KEY' },
      {
        check: 'API main',
        status: 'ok',
        detail: 'http://127.0.0.1:9 answered in 120 ms and accepted the key, 42 tasks',
      },
      { check: 'clock main', status: 'ok', detail: 'agrees with the API' },
    ]);
  });

  it('fails if its key is unavailable', async () => {
    const findings = await sourceFindings(
      new UsageError(
        'key_unusable',
        { source: 'main', kind: 'env', place: 'MAIN_KEY' },
        'MAIN_KEY is not set',
      ),
    );
    expect(findings.slice(1)).toEqual([
      {
        check: 'key main',
        status: 'fail',
        detail: 'MAIN_KEY is not set',
        hint: expect.stringMatching(/^Set MAIN_KEY/),
      },
    ]);
  });

  it('fails if the API refuses the key', async () => {
    const findings = await sourceFindings(() => Promise.reject(keyRefused('refused (401)')));
    expect(findings.slice(2)).toEqual([
      {
        check: 'API main',
        status: 'fail',
        detail: 'refused (401)',
        hint: expect.stringMatching(/^Put a key that is valid/),
      },
    ]);
  });

  it('fails if the API does not answer in time', async () => {
    const clock = createFakeClock();
    const findings = await sourceFindings((_page, { signal }) => {
      clock.expireTimeouts();
      return Promise.reject(signal.reason);
    }, clock);
    expect(findings.slice(2)).toMatchObject([
      { check: 'API main', status: 'fail', detail: 'http://127.0.0.1:9 gave no usable answer within 15 s' },
    ]);
  });

  it.each([
    [5_000, 'ok', 'agrees with the API'],
    [5_001, 'warn', 'this machine is 5 s ahead of the API'],
    [-60_000, 'warn', 'this machine is 1 m behind the API'],
    [60_001, 'fail', 'this machine is 1 m ahead of the API'],
    [-7_200_000, 'fail', 'this machine is 2 h behind the API'],
    [null, 'ok', 'not compared: the API sent no date'],
  ])('clock: %s ms off is %s', async (off, expected, detail) => {
    const clock = createFakeClock();
    const findings = await sourceFindings(
      async () => ({ ...PAGE, servedAt: off === null ? null : clock.now() - off }),
      clock,
    );
    expect(findings[3]).toMatchObject({ check: 'clock main', status: expected, detail });
  });
});

describe('the database file', () => {
  const sound = { quickCheck: () => ({ problems: [], damage: null }) };
  const unasked = { quickCheck: () => expect.unreachable('there is no file to check') };

  async function findingsOf(file: string, inspector: Parameters<typeof fileChecks>[1] = sound) {
    const { findings } = await diagnose(fileChecks(file, inspector));
    return Object.fromEntries(findings.map((finding) => [finding.check, finding]));
  }

  it('is ok if it is sound and private', async () => {
    const file = join(temporaryFolder(), 'mirror.db');
    writeFileSync(file, 'x', { mode: 0o600 });
    const findings = await findingsOf(file);
    expect(findings).toMatchObject({
      database: { status: 'ok', detail: expect.stringContaining('sound') },
      writable: { status: 'ok' },
      permissions: { status: 'ok' },
    });
    const { bavail, bsize } = statfsSync(file);
    expect(findings['disk']?.status).toBe(bavail * bsize >= 1024 ** 3 ? 'ok' : 'warn');
  });

  it('may be missing if it can be created', async () => {
    const findings = await findingsOf(join(temporaryFolder(), 'mirror.db'), unasked);
    expect(findings).toMatchObject({
      database: { status: 'ok', detail: expect.stringContaining('does not exist yet') },
      writable: { status: 'ok' },
    });
    expect(findings).not.toHaveProperty('permissions');
  });

  it('may be a link to a file that can be made: that folder is looked at', async () => {
    const folder = temporaryFolder();
    const link = join(folder, 'mirror.db');
    symlinkSync('elsewhere/tasks.db', link);
    expect(await findingsOf(link, unasked)).toMatchObject({ writable: { status: 'fail' } });
    mkdirSync(join(folder, 'elsewhere'));
    expect(await findingsOf(link, unasked)).toMatchObject({
      database: { status: 'ok', detail: expect.stringContaining('does not exist yet') },
      writable: { status: 'ok', detail: join(folder, 'elsewhere') },
    });
  });

  it('cannot be made in a folder that is missing', async () => {
    expect(await findingsOf(join(temporaryFolder(), 'none', 'mirror.db'), unasked)).toMatchObject({
      writable: { status: 'fail', hint: expect.stringContaining('Create the folder') },
      disk: { status: 'fail' },
    });
  });

  it('fails if SQLite finds problems, or another program made it', async () => {
    const file = join(temporaryFolder(), 'mirror.db');
    writeFileSync(file, 'x');
    const damaged = {
      quickCheck: () => ({ problems: ['page 3', 'page 4'], damage: 'search_index' as const }),
    };
    expect(await findingsOf(file, damaged)).toMatchObject({
      database: {
        status: 'fail',
        detail: `${file} is damaged: page 3; page 4`,
        hint: CURES.search_index,
      },
    });
    const foreign = new DatabaseError('database_foreign', { file }, 'of another program');
    const throws = {
      quickCheck: () => {
        throw foreign;
      },
    };
    expect(await findingsOf(file, throws)).toMatchObject({
      database: { status: 'fail', detail: 'of another program', hint: expect.stringContaining('--db FILE') },
      writable: { status: 'ok' },
    });
  });

  it.each([
    [0o600, 'ok'],
    [0o640, 'warn'],
    [0o604, 'warn'],
    [0o611, 'ok'],
  ])('mode %o: %s', async (mode, expected) => {
    const folder = join(temporaryFolder(), 'data');
    mkdirSync(folder);
    const file = join(folder, 'mirror.db');
    writeFileSync(file, 'x');
    chmodSync(file, mode);
    expect(await findingsOf(file)).toMatchObject({ permissions: { status: expected } });
  });
});
