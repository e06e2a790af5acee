import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FIELDS } from '../../../src/model/fields.ts';
import type { OmittableField, Task } from '../../../src/model/task.ts';
import { digestsOf, digestSql } from '../../../src/store/postgres/digest.ts';
import type { MirrorClaim } from '../../../src/store/store.ts';
import { A, B, changeOf, mirrorTask, rejectedRow } from '../../contracts/mirror-store/kit.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, execute } from '../../support/postgres/server.ts';
import { at, EPOCH } from '../../support/tasks.ts';

/** The digest of each task, in hex. */
const hexOf = (tasks: readonly Task[]): string[] =>
  digestsOf(tasks, new Set()).toString('hex').match(/.{64}/g) ?? [];

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '\0',
    '\u2400',
    '\u241b',
    '\u241b,',
    '\ud800 alone',
    'é\u{1F600}',
    '"\\',
    'x'.repeat(50_000),
  ),
);
const time = fc
  .date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  })
  .map((date) => date.toISOString());
const json = fc.option(fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)));

/** Tasks with every value that a column may hold. */
const anyTask: fc.Arbitrary<Omit<Task, 'id'>> = fc.record({
  apiKeyId: fc.option(text),
  username: fc.option(text),
  sessionId: fc.option(text),
  conversationId: fc.option(text),
  status: fc.string({ unit: 'binary', maxLength: 20 }),
  message: fc.option(text),
  systemPrompt: fc.option(text),
  showInHistory: fc.boolean(),
  autoExecute: fc.boolean(),
  env: json,
  error: fc.option(text),
  createdAt: time,
  startedAt: fc.option(time),
  completedAt: fc.option(time),
  lastActivityAt: time,
  messageCount: fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER)),
  extra: json,
});

/** Tasks drawn from `seed`, with ids of their own. */
const tasksFrom = (seed: number, count: number): Task[] =>
  fc.sample(anyTask, { seed, numRuns: count }).map((task, n) => ({ id: `drawn ${n}`, ...task }));

async function sweptMirror(omit: readonly OmittableField[] = []) {
  const mirror = await serverMirror();
  const store = await mirror.open(omit);
  const claim = await store.claim(A);
  await claim.beginSweep();
  return { ...mirror, store, claim };
}

/** The statements that a commit of these takes. */
async function statementsOf(claim: MirrorClaim, change: Parameters<typeof changeOf>[0]): Promise<number> {
  const { db } = claim as unknown as { db: { roundTrips: number } };
  const before = db.roundTrips;
  await claim.commit(changeOf(change));
  return db.roundTrips - before;
}

describeWithServer('the digest of a task', () => {
  test.each([1, 2, 3])('is that of the row which holds it, whatever it holds: seed %i', async (seed) => {
    const { claim, url, schema } = await sweptMirror();
    const tasks = tasksFrom(seed, 200);
    expect(await claim.commit(changeOf({ tasks }))).toMatchObject({ inserted: 200, setAside: [] });
    const rows = await execute<{ id: string; digest: string }>(
      url,
      `select id, encode(${digestSql('t')}, 'hex') as digest from "${schema}".tasks t`,
    );
    const digests = hexOf(tasks);
    expect(new Map(rows.map(({ id, digest }) => [id, digest]))).toEqual(
      new Map(tasks.map(({ id }, n) => [id, digests[n]])),
    );
  });

  test('is the same in a session of another time zone and date style', async () => {
    const { claim, url, schema } = await sweptMirror();
    const task = mirrorTask('é', 120, { message: 'é\u{1F600}', env: '{"a":"é"}' });
    await claim.commit(changeOf({ tasks: [task] }));
    const settings = `set timezone = 'Asia/Kolkata'; set datestyle = 'SQL, DMY'; set bytea_output = 'escape'`;
    const [row] = await execute<{ digest: string }>(
      url,
      `${settings}; select encode(${digestSql('t')}, 'hex') as digest from "${schema}".tasks t`,
    );
    expect([row?.digest]).toEqual(hexOf([task]));
  });
});

describe('the digest of a task that differs', () => {
  const other: Partial<Record<string, unknown>> = {
    status: 'failed',
    showInHistory: false,
    autoExecute: false,
    env: '{}',
    extra: '{}',
    createdAt: at(EPOCH - 1),
    startedAt: null,
    completedAt: at(EPOCH + 1),
    lastActivityAt: at(EPOCH + 2),
    messageCount: 2 ** 40,
  };
  test.each(FIELDS.flatMap(({ name }) => (name === 'id' ? [] : [name])))('is another: %s', (name) => {
    const task = mirrorTask('a');
    const changed = { ...task, [name]: name in other ? other[name] : 'another' };
    const [before, after] = hexOf([task, changed]);
    expect(after).not.toBe(before);
  });

  test('is another where a text moved from one field to the next, or is empty and not missing', () => {
    const tasks = [
      mirrorTask('a', 0, { sessionId: 'xy', conversationId: 'z' }),
      mirrorTask('a', 0, { sessionId: 'x', conversationId: 'yz' }),
      mirrorTask('a', 0, { sessionId: '', conversationId: 'xyz' }),
      mirrorTask('a', 0, { sessionId: null, conversationId: 'xyz' }),
    ];
    expect(new Set(hexOf(tasks)).size).toBe(4);
  });
});

describeWithServer('a full run asks for known tasks first: its commit', () => {
  const ids = Array.from({ length: 500 }, (_, n) => `t${n}`);
  const tasks = ids.map((id, n) => mirrorTask(id, n, { message: `Text ${n}. `.repeat(50) }));
  const ledger = { watermark: EPOCH, gaps: [] };

  test('is one statement if nothing has changed, and moves the ledger', async () => {
    const { claim } = await sweptMirror();
    await claim.commit(changeOf({ tasks }));
    expect(await statementsOf(claim, { tasks, ledger })).toBe(1);
    expect(await claim.countUnseen()).toBe(0);
    expect((await claim.state()).ledger).toEqual(ledger);
  });

  test('is two if some tasks have changed, and writes those alone', async () => {
    const { claim } = await sweptMirror();
    await claim.commit(changeOf({ tasks }));
    await claim.beginSweep();
    const later = tasks.with(7, mirrorTask('t7', 7)).with(8, mirrorTask('t8', 8, { status: 'failed' }));
    const committed = await claim.commit(changeOf({ tasks: [...later, mirrorTask('new', 900)], ledger }));
    expect(committed).toMatchObject({ inserted: 1, updatedIds: ['t7', 't8'], unchanged: 498 });
    expect(await claim.countUnseen()).toBe(0);
    expect(await claim.tasks(['t7', 't8', 'new'])).toEqual(expect.arrayContaining([later[7], later[8]]));
  });

  test('takes the last of several versions, though the mirror holds another one of them', async () => {
    const { claim } = await sweptMirror();
    const [first, second] = [mirrorTask('a', 5), mirrorTask('a', 4, { status: 'failed' })];
    for (const versions of [[first], [second, first], [first, second], [first, second, first]]) {
      await claim.commit(changeOf({ tasks: versions, ledger }));
      expect(await claim.tasks(['a'])).toEqual([versions.at(-1)]);
    }
  });

  test('writes what another source has changed since, and notes what that one holds', async () => {
    const { claim, store } = await sweptMirror();
    await claim.commit(changeOf({ tasks: tasks.slice(0, 3) }));
    const other = await store.claim(B);
    await other.beginSweep();
    expect(await other.commit(changeOf({ tasks: tasks.slice(0, 2) }))).toMatchObject({ unchanged: 2 });
    expect(await other.countAbove(-Infinity)).toBe(2);
    await other.commit(changeOf({ tasks: [mirrorTask('t0', 0, { message: 'theirs' })] }));
    expect(await claim.commit(changeOf({ tasks: tasks.slice(0, 3) }))).toMatchObject({ updatedIds: ['t0'] });
    expect(await claim.countUnseen()).toBe(0);
  });

  test('heals a rejection whose task is good again, and as it was', async () => {
    const { claim } = await sweptMirror();
    await claim.commit(changeOf({ tasks: tasks.slice(0, 2) }));
    await claim.commit(changeOf({ rejected: [rejectedRow('t1')] }));
    const healing = changeOf({ tasks: tasks.slice(0, 2), ledger });
    expect(await claim.commit(healing)).toMatchObject({ healedIds: ['t1'], unchanged: 2 });
  });

  test('has the digests of what it keeps, where fields are omitted', async () => {
    const { claim } = await sweptMirror(['message', 'env']);
    await claim.commit(changeOf({ tasks }));
    expect(await statementsOf(claim, { tasks, ledger })).toBe(1);
  });

  test('mends a row that somebody has changed by hand', async () => {
    const { claim, url, schema } = await sweptMirror();
    await claim.commit(changeOf({ tasks }));
    await execute(url, `update "${schema}".tasks set message = 'by hand' where id = 't3'`);
    expect(await claim.commit(changeOf({ tasks }))).toMatchObject({ updatedIds: ['t3'] });
    expect(await claim.tasks(['t3'])).toEqual([tasks[3]]);
  });
});
