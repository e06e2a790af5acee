import { expect, onTestFinished, test } from 'vitest';
import { deliver, type Hook } from '../../../src/feed/delivery.ts';
import type { Sent } from '../../../src/feed/sender.ts';
import { beginHooks } from '../../../src/feed/worker.ts';
import { LAST_RANK } from '../../../src/model/hook.ts';
import type { Feed } from '../../../src/store/feed.ts';
import type { HookStore } from '../../../src/store/hooks.ts';
import { openFeed as feedInPostgres } from '../../../src/store/postgres/feed.ts';
import { openPostgresHooks } from '../../../src/store/postgres/hooks.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import { openFeed as feedInFile } from '../../../src/store/sqlite/feed.ts';
import { openSqliteHooks } from '../../../src/store/sqlite/hooks.ts';
import type { MirrorStore } from '../../../src/store/store.ts';
import { A, changeOf, mirrorTask, runOf } from '../../contracts/mirror-store/kit.ts';
import { DELIVERED, FAILED, FakeHook, GONE, NEVER } from '../../feed/kit.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { memoryLog } from '../../support/mirror.ts';
import { describeWithServer, targetOf } from '../../support/postgres/server.ts';
import { copy, newFile, newSchema, openStore } from './kit.ts';

/** A mirror with its changes and its hooks, wherever it is. */
interface Told {
  clock: FakeClock;
  mirror: MirrorStore;
  feed: Feed;
  hooks: HookStore;
  /** Makes one pass over each of these hooks. */
  tell: (...hooks: Hook[]) => Promise<void>;
}

type Place = ReturnType<typeof newFile> | ReturnType<typeof newSchema>;

async function open(place: Place, clock = createFakeClock()): Promise<Told> {
  const opened = 'file' in place ? await openFile(place.file, clock) : await openSchema(place, clock);
  const { mirror, feed, hooks } = opened;
  for (const part of [mirror, feed, hooks]) onTestFinished(() => part.close());
  const deps = { feed, store: hooks, clock, log: memoryLog(), random: () => 0.5 };
  return {
    ...opened,
    clock,
    async tell(...some) {
      for (const hook of some) await deliver(hook, deps, NEVER);
    },
  };
}

async function openFile(file: string, clock: FakeClock): Promise<Pick<Told, 'mirror' | 'feed' | 'hooks'>> {
  const mirror = await openStore(file, { clock });
  return { mirror, feed: await feedInFile(file, clock), hooks: await openSqliteHooks(file, { clock }) };
}

async function openSchema(
  { url, schema }: { url: string; schema: string },
  clock: FakeClock,
): Promise<Pick<Told, 'mirror' | 'feed' | 'hooks'>> {
  const target = targetOf(url, { schema });
  const mirror = await openPostgresStore(target, { create: false, clock, omit: new Set() });
  return {
    mirror,
    feed: await feedInPostgres(target, clock),
    hooks: await openPostgresHooks(target, { clock }),
  };
}

/** Commits tasks one by one, each a change of its own. */
async function put(mirror: MirrorStore, status: string, ...ids: string[]): Promise<void> {
  const claim = await mirror.claim(A);
  for (const id of ids) await claim.commit(changeOf({ tasks: [mirrorTask(id, 0, { status })] }));
  await claim.release();
}

/** Hooks of all kinds, by name; each answers as it is said at first, and then takes everything. */
function hooksOf(answers: Readonly<Record<string, Sent[]>> = {}): FakeHook[] {
  const hooks = [
    new FakeHook({ name: 'tasks', events: ['task.*'] }),
    new FakeHook({ name: 'digests', events: ['task.*'], maxPerRun: 2 }),
    new FakeHook({ name: 'replayed', events: ['task.added'] }),
    new FakeHook({ name: 'sources', events: ['source.*'] }),
    new FakeHook({ name: 'late', events: ['task.running'], afterMs: 7_200_000 }),
  ];
  for (const hook of hooks) hook.answers = [...(answers[hook.rules.name] ?? []), DELIVERED];
  return hooks;
}

const replayed = (...answers: Sent[]): FakeHook[] =>
  hooksOf({ replayed: answers }).filter(({ rules }) => rules.name === 'replayed');

/** Makes a mirror whose hooks were told a part of what they have to be told. */
async function halfTold(place: Place): Promise<Told> {
  const told = await open(place);
  const { clock, mirror, hooks, feed, tell } = told;
  await runOf(mirror, 'backfill');
  clock.advance(1_000);
  await put(mirror, 'running', 'old');
  await beginHooks(hooksOf(), { feed, store: hooks });
  await put(mirror, 'running', 'a', 'b');
  await put(mirror, 'failed', 'a');
  await runOf(mirror, 'incremental', { outcome: 'failed' });
  await tell(...hooksOf({ tasks: [DELIVERED, FAILED], digests: [FAILED], sources: [FAILED] }));
  await hooks.replay('replayed', 0, await feed.head());
  await tell(...replayed(GONE, DELIVERED, FAILED));
  await put(mirror, 'completed', 'b');
  await put(mirror, 'running', 'c');
  return told;
}

describeWithServer('the hooks of a mirror that was copied', () => {
  test('are told what they would have been told before, with the same ids, there and back', async () => {
    const [file, schema, back] = [newFile(), newSchema(), newFile()];
    const before = await halfTold(file);
    await copy(file, schema);
    await copy(schema, back);
    const known = await before.hooks.states();
    expect(known.map(({ hook, attempts, setAside }) => [hook, attempts, setAside])).toEqual([
      ['digests', 1, 0],
      ['late', 0, 0],
      ['replayed', 1, 1],
      ['sources', 1, 0],
      ['tasks', 1, 0],
    ]);
    const failures = await before.hooks.failures(10);
    expect(failures).toHaveLength(1);
    const sent: unknown[] = [];
    for (const place of [file, schema, back]) {
      const clock = createFakeClock(before.clock.now());
      const { mirror, hooks, tell } = await open(place, clock);
      expect(await hooks.states()).toEqual(known);
      expect(await hooks.failures(10)).toEqual(failures);
      clock.advance(3 * 3_600_000);
      await runOf(mirror, 'incremental');
      await put(mirror, 'running', 'd');
      const all = hooksOf();
      // The rest of a replay, or of a digest, and then what came after it.
      for (let pass = 0; pass < 3; pass += 1) await tell(...all);
      sent.push(all.map(({ sent: messages }) => messages.map(({ id, text }) => [id, text])));
      expect(Object.fromEntries(all.map(({ rules, told }) => [rules.name, told]))).toEqual({
        tasks: [
          '2 task.running',
          '3 task.added',
          '3 task.running',
          '4 task.changed',
          '4 task.failed',
          '5 task.changed',
          '5 task.completed',
          '6 task.added',
          '6 task.running',
          '7 task.added',
          '7 task.running',
        ],
        digests: ['4 hook.digest', '7 hook.digest'],
        replayed: ['3 task.added', '6 task.added', '7 task.added'],
        sources: ['null source.failed', 'null source.recovered'],
        late: ['6 task.running'],
      });
    }
    expect(sent[1]).toEqual(sent[0]);
    expect(sent[2]).toEqual(sent[0]);
  });

  test('belong to nobody, though a process was delivering their events', async () => {
    for (const [from, to] of [
      [newFile(), newSchema()],
      [newSchema(), newFile()],
    ] as const) {
      if ('schema' in from) await (await makeSchema(from)).close();
      const { hooks } = await open(from);
      await hooks.begin(['one'], { seq: 0, rank: LAST_RANK, runs: {} });
      const held = await hooks.claim('one');
      expect(held).not.toBeNull();
      await copy(from, to);
      const there = await open(to);
      expect(await there.hooks.claim('one')).not.toBeNull();
      expect(await hooks.claim('one')).toBeNull();
      expect(await held?.skip({ seq: 1, rank: LAST_RANK, runs: {} })).toBe(true);
    }
  });

  test('go on to number what is given up', async () => {
    const [file, schema, back] = [newFile(), newSchema(), newFile()];
    await halfTold(file);
    await copy(file, schema);
    for (const [place, count] of [
      [schema, 2],
      [back, 3],
    ] as const) {
      if (place === back) await copy(schema, back);
      const { clock, hooks, tell } = await open(place);
      clock.advance(count * 24 * 3_600_000);
      await tell(...replayed(GONE, FAILED));
      const seqs = (await hooks.failures(10)).map(({ seq }) => seq);
      expect(seqs).toHaveLength(count);
      expect(seqs).toEqual(seqs.toSorted((a, b) => Number(b) - Number(a)));
    }
  });
});

/** Makes an empty mirror in a schema. */
function makeSchema({ url, schema }: { url: string; schema: string }): Promise<MirrorStore> {
  const target = targetOf(url, { schema });
  return openPostgresStore(target, { create: true, clock: createFakeClock(), omit: new Set() });
}
