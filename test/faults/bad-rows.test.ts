import { describe, expect, test } from 'vitest';
import { type ApiTask, SimulatedList } from '../../src/source/simulated/list.ts';
import type { SyncOptions } from '../../src/sync/sync.ts';
import { json } from '../source/http/loopback.ts';
import { inMirrorOrder, mirroredTasks, readRows } from '../support/mirror.ts';
import { at, completedTask, EPOCH, runningTask, tasksApart } from '../support/tasks.ts';
import { serveList } from './api.ts';
import { faultBench } from './run.ts';

const MINUTE = 60_000;

/** A run over 250 tasks of which one, on the second page, is sent as `spell` writes it; the other 249 are as ever. */
async function runWith(spell: (text: string) => string) {
  const bench = await faultBench();
  const odd = completedTask('odd', EPOCH - 150 * MINUTE - 1);
  const others = tasksApart(249, MINUTE);
  const list = new SimulatedList([...others, odd]);
  const api = await serveList(list);
  const plain = api.bodyOf;
  const text = JSON.stringify(odd);
  api.bodyOf = (page) => plain(page).replace(text, () => spell(text));
  const result = await bench.sync(api);
  const heal = async () => {
    api.bodyOf = plain;
    return bench.sync(api, { full: true });
  };
  const again = (options: Partial<SyncOptions>) => bench.sync(api, options);
  return { bench, list, others, result: { ...result, again }, heal };
}

/** Puts these members, as JSON text, at the front of the object. */
const adding = (members: string) => (text: string) => text.replace('{', () => `{${members},`);
const replacing = (member: string, value: string) => (text: string) =>
  text.replace(new RegExp(`"${member}":("[^"]*"|[^,}]*)`), () => `"${member}":${value}`);

describe('a row that is odd but sound is kept, exactly', () => {
  test.each<[string, (text: string) => string, Record<string, string>]>([
    [
      'a key __proto__ of its own',
      adding('"__proto__":{"polluted":true}'),
      { extra: '{"__proto__":{"polluted":true}}' },
    ],
    [
      'a key __proto__ in env',
      replacing('env', '{"__proto__":{"polluted":1}}'),
      { env: '{"__proto__":{"polluted":1}}' },
    ],
    [
      'keys that every object inherits',
      adding('"constructor":{"prototype":{"polluted":1}},"toString":1'),
      { extra: '{"constructor":{"prototype":{"polluted":1}},"toString":1}' },
    ],
    [
      'an integer beyond 2^53 in env',
      replacing('env', '{"id":12345678901234567890}'),
      { env: '{"id":12345678901234567890}' },
    ],
    [
      'an integer beyond 2^53 in an unknown field',
      adding('"snowflake":-9007199254740993'),
      { extra: '{"snowflake":-9007199254740993}' },
    ],
    [
      'numbers without an end in env',
      replacing('env', '{"a":1e400,"b":[-1e999]}'),
      { env: '{"a":1e400,"b":[-1e999]}' },
    ],
    ['a number next to nothing in env', replacing('env', '{"a":1e-400}'), { env: '{"a":1e-400}' }],
    ['a number without an end in an unknown field', adding('"score":-1e999'), { extra: '{"score":-1e999}' }],
    [
      'a long decimal in an unknown field',
      adding('"p":1234567890.0123456789'),
      { extra: '{"p":1234567890.0123456789}' },
    ],
    ['a zero with a sign in env', replacing('env', '{"a":-0}'), { env: '{"a":-0}' }],
    ['NUL in a text', replacing('message', String.raw`"a\u0000b"`), { message: 'a\0b' }],
    [
      'a lone surrogate in env, where JSON can spell it',
      replacing('env', String.raw`{"half":"\ud83d"}`),
      { env: String.raw`{"half":"\ud83d"}` },
    ],
    ['a status that nobody knows yet', replacing('status', '"paused"'), { status: 'paused' }],
  ])('%s', async (_what, spell, columns) => {
    const { bench, others, result } = await runWith(spell);
    expect(result).toMatchObject({ exitCode: 0, report: { outcome: 'ok', inserted: 250, rejected: 0 } });
    const names = Object.keys(columns).join(', ');
    expect(readRows(bench.file, `select ${names} from tasks where id = 'odd'`)).toEqual([columns]);
    expect(mirroredTasks(bench.file).filter(({ id }) => id !== 'odd')).toEqual(inMirrorOrder(others));
    expect({}).not.toHaveProperty('polluted');
  });
});

test('a number that a double cannot hold is no change, run after run, whatever else is on its page', async () => {
  const { bench, list, result } = await runWith(
    replacing('env', '{"a":1e400,"b":-0,"c":0.10000000000000000555}'),
  );
  expect(result.exitCode).toBe(0);
  for (let i = 1; i <= 60; i += 1) {
    list.put(completedTask(`new${i}`, EPOCH + i, { env: i % 2 === 0 ? { n: 0 } : null }));
  }
  const { report } = await result.again({ full: true });
  expect(report).toMatchObject({ inserted: 60, updated: 0 });
  expect(readRows(bench.file, 'select * from task_changes')).toEqual([]);
});

describe('a row that cannot be kept is set aside: exit 3, all others are mirrored, and it heals', () => {
  test.each<[string, (text: string) => string, RegExp]>([
    [
      'a field only on a key __proto__',
      (text) => adding('"__proto__":{"status":"completed"}')(text.replace('"status":"completed",', '')),
      /^status: expected text, got nothing$/,
    ],
    ['a message count beyond 2^53', replacing('messageCount', '9007199254740993'), /^messageCount: expected/],
    ['a message count without an end', replacing('messageCount', '1e400'), /^messageCount: .*, got 1e400$/],
    [
      'a lone surrogate in a text',
      replacing('message', String.raw`"half a smile: \ud83d"`),
      /^message: .*lone surrogates/,
    ],
    ['no lastActivityAt', replacing('lastActivityAt', 'null'), /^lastActivityAt: expected an ISO 8601 time/],
    ['a day that does not exist', replacing('createdAt', '"2026-02-30T00:00:00Z"'), /^createdAt: expected/],
    [
      'nesting deeper than can be written again',
      adding(`"deep":${'['.repeat(20_000)}${']'.repeat(20_000)}`),
      /less nesting/,
    ],
    ['no object at all', () => '"odd"', /^row: expected an object$/],
    ['null', () => 'null', /^row: expected an object$/],
    ['a number that a double would round', () => '12345678901234567890', /^row: expected an object$/],
  ])('%s', async (_what, spell, reason) => {
    const { bench, list, others, result, heal } = await runWith(spell);
    expect(result).toMatchObject({ exitCode: 3, failure: null });
    expect(result.report).toMatchObject({ outcome: 'partial', verdict: 'clean', inserted: 249, gaps: 0 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(others));
    expect(readRows(bench.file, 'select reason from rejected_rows')).toEqual([
      { reason: expect.stringMatching(reason) },
    ]);
    expect((await bench.status()).rejectedRows).toBe(1);
    expect({}).not.toHaveProperty('status');

    expect((await heal()).exitCode).toBe(0);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    expect((await bench.status()).rejectedRows).toBe(0);
  });
});

describe('a task that the list shows twice', () => {
  /** A list of 50 rows that shows `twin` once more further down, as `older`. */
  async function withTwin(older: Partial<ApiTask>, spell = (body: string) => body) {
    const bench = await faultBench();
    const twin = runningTask('twin', EPOCH - 10 * MINUTE - 1);
    const shadow = { ...completedTask('shadow', EPOCH - 20 * MINUTE - 1), ...older };
    const list = new SimulatedList([...tasksApart(48, MINUTE), twin, shadow]);
    const api = await serveList(list);
    const plain = api.bodyOf;
    api.bodyOf = (page) => spell(plain(page).replace('"id":"shadow"', '"id":"twin"'));
    return { bench, list, twin, sync: (full: boolean) => bench.sync(api, { full }) };
  }

  test.each<[string, Partial<ApiTask>, ((body: string) => string)?]>([
    ['as it was before', { status: 'pending', messageCount: 1 }],
    ['at the same time', { status: 'failed', lastActivityAt: at(EPOCH - 10 * MINUTE - 1) }],
    ['as if it had ended already', {}],
    ['in a version that cannot be read', { status: 'spoilt' }, (body) => body.replace('"spoilt"', '7')],
  ])('%s: the one further up counts in every run, and nothing is journaled', async (_what, older, spell) => {
    const { bench, list, twin, sync } = await withTwin(older, spell);
    for (const [i, full] of [false, true, true, false].entries()) {
      list.put(completedTask('new', EPOCH + i));
      const { exitCode, report } = await sync(full);
      expect([exitCode, report.verdict, report.rejected]).toEqual([0, 'clean', 0]);
    }
    const upper =
      older.lastActivityAt === undefined ? twin : list.all().find(({ id }) => /twin|shadow/.test(id));
    expect(mirroredTasks(bench.file).find(({ id }) => id === 'twin')).toEqual({ ...upper, id: 'twin' });
    expect(readRows(bench.file, "select * from task_changes where task_id = 'twin'")).toEqual([]);
    expect(mirroredTasks(bench.file)).toHaveLength(50);
  });

  test('and whose upper version cannot be read is set aside in every run, and nothing is journaled', async () => {
    const { bench, sync } = await withTwin({}, (body) => body.replace('"running"', '7'));
    for (const full of [false, true]) {
      const { exitCode } = await sync(full);
      expect(exitCode).toBe(3);
    }
    expect(readRows(bench.file, 'select task_id from rejected_rows')).toEqual([{ task_id: 'twin' }]);
    expect(readRows(bench.file, 'select * from task_changes')).toEqual([]);
  });

  test('on two pages of one run has moved meanwhile: the later answer counts', async () => {
    const bench = await faultBench();
    const risen = runningTask('moving', EPOCH - 10 * MINUTE - 1);
    const sunk = { ...risen, status: 'cancelled', startedAt: null, createdAt: at(EPOCH - 150 * MINUTE - 1) };
    const list = new SimulatedList([...tasksApart(249, MINUTE), risen]);
    const api = await serveList(list);
    api.fault = (n) => {
      if (n === 2) list.put({ ...sunk, lastActivityAt: sunk.createdAt });
      return null;
    };
    expect((await bench.sync(api)).exitCode).toBe(0);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });
});

test('ids that mean something elsewhere are ids like any other, in the list and in GET', async () => {
  const bench = await faultBench();
  const ids = [
    '__proto__',
    'constructor',
    'a/b?c=d#e',
    '%2e%2e',
    "'; drop table tasks; --",
    'a\0b',
    '漢字 🙂',
  ];
  const tasks = ids.map((id, i): ApiTask => runningTask(id, EPOCH - (1_000 + i) * MINUTE - 1));
  const list = new SimulatedList([...tasksApart(1_200, MINUTE), ...tasks]);
  const api = await serveList(list);
  expect((await bench.sync(api)).exitCode).toBe(0);
  for (const task of tasks) list.put({ ...task, status: 'awaiting_approval' });
  const { exitCode, report } = await bench.sync(api);
  expect([exitCode, report.updated]).toEqual([0, ids.length]);
  expect(api.requests.filter(({ url }) => !url?.includes('?limit='))).toHaveLength(ids.length);
  expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
});

test('an open task whose GET cannot be read stays as it was, and is set aside', async () => {
  const bench = await faultBench();
  const open = runningTask('open', EPOCH - 2_000 * MINUTE - 1);
  const list = new SimulatedList([...tasksApart(2_500, MINUTE), open]);
  const api = await serveList(list);
  await bench.sync(api);
  const served = api.requests.length;
  api.fault = (n) => (n === served + 2 ? json(200, { success: true, data: { ...open, status: 7 } }) : null);
  const { exitCode, report } = await bench.sync(api);
  expect([exitCode, report.rejected]).toEqual([3, 1]);
  expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  expect((await bench.sync(api)).exitCode).toBe(0);
  expect((await bench.status()).rejectedRows).toBe(0);
});
