import { expect, test } from 'vitest';
import type { MirrorClaim } from '../../../src/store/store.ts';
import type { Task } from '../../../src/model/task.ts';
import { A, changeOf, mirrorTask, unstorable } from '../../contracts/mirror-store/kit.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, execute } from '../../support/postgres/server.ts';
import { EPOCH } from '../../support/tasks.ts';

const deep = (levels: number): string => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;

/** Tasks that PostgreSQL cannot hold, with a part of the reason. */
const BAD: readonly [string, Task, string][] = [
  ['an id of 3,000 bytes', mirrorTask('任'.repeat(1_000), 1), 'longer than 1,000 bytes'],
  ['env nested 100,000 deep', mirrorTask('deep', 2, { env: deep(100_000) }), '54001'],
  ['extra nested 100,000 deep', mirrorTask('deeper', 3, { extra: deep(100_000) }), '54001'],
  [
    'a year before 1',
    mirrorTask('early', 4, { startedAt: '0000-12-31T23:59:59.999Z' }),
    'startedAt: not UTC text in the years 1 to 9999',
  ],
  [
    'a year of six digits',
    mirrorTask('late', 5, { completedAt: '+275760-01-01T00:00:00.000Z' }),
    'completedAt: not UTC text',
  ],
  [
    'a count beyond 64 bits',
    mirrorTask('many', 6, { messageCount: 1e20 }),
    'messageCount: not a whole number',
  ],
];

async function mirrorWithClaim() {
  const mirror = await serverMirror();
  const store = await mirror.open();
  return { ...mirror, store, claim: await store.claim(A) };
}

interface Rejected {
  task_id: string;
  reason: string;
  payload: string;
}

const rejectedRows = ({ url, schema }: { url: string; schema: string }): Promise<Rejected[]> =>
  execute<Rejected>(url, `select task_id, reason, payload from "${schema}".rejected_rows order by task_id`);

const good = (count: number): Task[] => Array.from({ length: count }, (_, i) => mirrorTask(`good${i}`, i));

/** How many statements `work` took. */
async function roundTripsOf(claim: MirrorClaim, work: () => Promise<unknown>): Promise<number> {
  const { db } = claim as unknown as { db: { roundTrips: number } };
  const before = db.roundTrips;
  await work();
  return db.roundTrips - before;
}

describeWithServer('a task that PostgreSQL cannot hold', () => {
  test.each(BAD)(
    'is set aside, alone, and the rest of its batch is written: %s',
    async (_what, bad, reason) => {
      const mirror = await mirrorWithClaim();
      const ledger = { watermark: EPOCH, gaps: [] };
      const tasks = good(200).toSpliced(77, 0, bad);
      const { inserted, setAside } = await mirror.claim.commit(changeOf({ tasks, ledger }));
      expect(inserted).toBe(200);
      expect(setAside.map(({ id }) => id)).toEqual([bad.id]);
      expect(setAside[0]?.reason).toContain(reason);
      expect((await mirror.claim.state()).ledger).toEqual(ledger);
      const rows = await rejectedRows(mirror);
      expect(rows.map(({ task_id }) => task_id)).toEqual([bad.id]);
      expect(JSON.parse(rows[0]?.payload ?? '')).toMatchObject({ id: bad.id });
    },
  );

  test('is found among others that are bad as well', async () => {
    const mirror = await mirrorWithClaim();
    const bad = BAD.map(([, task]) => task);
    const tasks = good(100).flatMap((task, i) => [task, ...bad.slice(i, i + 1)]);
    const { inserted, setAside } = await mirror.claim.commit(changeOf({ tasks }));
    expect(inserted).toBe(100);
    expect(new Set(setAside.map(({ id }) => id))).toEqual(new Set(bad.map(({ id }) => id)));
  });

  test('is not searched for again by the next run that is shown the same', async () => {
    const mirror = await mirrorWithClaim();
    const tasks = good(500).toSpliced(300, 0, mirrorTask('deep', 1, { env: deep(100_000) }));
    await mirror.claim.commit(changeOf({ tasks }));
    await mirror.claim.release();
    const next = await mirror.store.claim(A);
    let set: readonly unknown[] = [];
    const trips = await roundTripsOf(next, async () => {
      ({ setAside: set } = await next.commit(changeOf({ tasks })));
    });
    expect(set).toHaveLength(1);
    expect(trips).toBeLessThanOrEqual(3);
  });

  test('is written as soon as a good version comes, and is no longer rejected', async () => {
    const mirror = await mirrorWithClaim();
    const bad = [
      mirrorTask('deep', 1, { env: deep(100_000) }),
      mirrorTask('early', 1, { startedAt: '0000-01-01T00:00:00.000Z' }),
    ];
    await mirror.claim.commit(changeOf({ tasks: bad }));
    const better = mirrorTask('deep', 1, { env: '{"a":1}' });
    const { insertedIds, healedIds, setAside } = await mirror.claim.commit(
      changeOf({ tasks: [better, ...bad.slice(1)] }),
    );
    expect({ insertedIds, healedIds }).toEqual({ insertedIds: ['deep'], healedIds: ['deep'] });
    expect(setAside.map(({ id }) => id)).toEqual(['early']);
    expect((await rejectedRows(mirror)).map(({ task_id }) => task_id)).toEqual(['early']);
  });

  test('keeps its last good version, and is seen by a sweep', async () => {
    const mirror = await mirrorWithClaim();
    const task = mirrorTask('x', 1);
    await mirror.claim.commit(changeOf({ tasks: [task, mirrorTask('y')] }));
    await mirror.claim.beginSweep();
    await mirror.claim.commit(changeOf({ tasks: [mirrorTask('x', 0, { env: deep(100_000) })] }));
    expect(await mirror.claim.tasks(['x'])).toEqual([task]);
    expect(await mirror.claim.unseen('', 10)).toEqual(['y']);
    await mirror.claim.forgetUnseenRejections(Infinity);
    expect(await rejectedRows(mirror)).toHaveLength(1);
    await mirror.claim.beginSweep();
    await mirror.claim.forgetUnseenRejections(Infinity);
    expect(await rejectedRows(mirror)).toEqual([]);
  });

  test('does not hide a failure of another kind', async () => {
    const { claim } = await mirrorWithClaim();
    const tasks = [unstorable('bad'), mirrorTask('fine')];
    await expect(claim.commit(changeOf({ tasks }))).rejects.toMatchObject({ code: 'postgres_failed' });
    expect(await claim.tasks(['fine'])).toEqual([]);
  });
});

describeWithServer('what PostgreSQL holds although it is hard to hold', () => {
  test('NULs in every text, and the signs that stand for them', async () => {
    const { claim } = await mirrorWithClaim();
    const text = '\0a\u2400\u241bb\0\u241b\u2400\0';
    const task = mirrorTask(text, 0, {
      apiKeyId: text,
      username: text,
      sessionId: text,
      conversationId: text,
      status: text,
      message: text,
      systemPrompt: text,
      error: text,
      env: JSON.stringify({ [text]: text }),
      extra: JSON.stringify({ [text]: [text] }),
    });
    await claim.commit(changeOf({ tasks: [task] }));
    expect(await claim.tasks([text])).toEqual([task]);
    expect(await claim.commit(changeOf({ tasks: [task] }))).toMatchObject({ unchanged: 1 });
    expect(await claim.remove([text])).toBe(1);
  });

  test('an id of signs that are escaped is kept or set aside, and never fails', async () => {
    const { claim } = await mirrorWithClaim();
    const ids = ['\u2400', '\u241b', '\0', 'é'].map((sign) => sign.repeat(500));
    const { inserted, setAside } = await claim.commit(changeOf({ tasks: ids.map((id) => mirrorTask(id)) }));
    expect(inserted + setAside.length).toBe(4);
  });

  test('numbers beyond 2^53, digit by digit', async () => {
    const { claim } = await mirrorWithClaim();
    const extra = '{"n":123456789012345678901234567890,"f":0.1000000000000000055511151231257827,"e":1e400}';
    const task = mirrorTask('x', 0, { extra });
    await claim.commit(changeOf({ tasks: [task] }));
    expect(await claim.tasks(['x'])).toEqual([task]);
    expect(await claim.commit(changeOf({ tasks: [task] }))).toMatchObject({ unchanged: 1 });
  });

  test('a lone surrogate becomes the sign for what cannot be read, as in SQLite', async () => {
    const { claim } = await mirrorWithClaim();
    await claim.commit(changeOf({ tasks: [mirrorTask('x', 0, { message: 'a\ud800b' })] }));
    expect((await claim.tasks(['x']))[0]?.message).toBe('a\ufffdb');
  });

  test('a text of 20 MB, in the journal as well', async () => {
    const { claim } = await mirrorWithClaim();
    const after = '\n'.repeat(20e6);
    await claim.commit(changeOf({ tasks: [mirrorTask('x'), mirrorTask('y')] }));
    expect(
      await claim.commit(changeOf({ tasks: [mirrorTask('x', 0, { message: after }), mirrorTask('z')] })),
    ).toMatchObject({ updated: 1, inserted: 1 });
    const [stored] = await claim.tasks(['x']);
    expect(stored?.message === after).toBe(true);
  });
});
