import {
  array,
  assert,
  asyncProperty,
  boolean,
  constant,
  constantFrom,
  nat,
  oneof,
  record,
} from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { deliver } from '../../src/feed/delivery.ts';
import type { HookMessage } from '../../src/feed/message.ts';
import type { Sent } from '../../src/feed/sender.ts';
import { openFeed } from '../../src/store/sqlite/feed.ts';
import { changeOf, mirrorTask } from '../contracts/mirror-store.ts';
import { RECORD } from '../contracts/mirror-store/kit.ts';
import { readRows } from '../support/mirror.ts';
import { DELIVERED, FAILED, FakeHook, hookBench, NEVER } from './kit.ts';

const SOURCE = { name: 'team', baseUrl: 'https://team.example' };
const STATUSES = ['pending', 'running', 'awaiting_approval', 'completed', 'failed'] as const;

/** A commit of one task or its removal, a pass, or a pass whose answers are lost. */
const step = oneof(
  record({ kind: constant('put' as const), task: nat(4), status: constantFrom(...STATUSES) }),
  record({ kind: constant('remove' as const), task: nat(4) }),
  record({ kind: constant('pass' as const), answers: array(boolean(), { maxLength: 4 }) }),
);

test('whatever happens to tasks and deliveries, each event arrives, in order, and what comes again has its id', async () => {
  await assert(
    asyncProperty(array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const hook = new FakeHook({ events: ['*'], maxPerRun: 1_000 });
      const bench = await hookBench(hook);
      const feed = await openFeed(bench.file, bench.clock);
      onTestFinished(() => feed.close());
      const deps = { ...bench.deps, feed };
      // Its first backfill is over.
      const first = await bench.mirror.claim(SOURCE);
      await first.finishRun(await first.startRun('backfill'), RECORD);
      await first.release();
      bench.clock.advance(1_000);
      const claim = await bench.mirror.claim(SOURCE);
      const delivered: HookMessage[] = [];
      const tried: HookMessage[] = [];
      const pass = async (answers: readonly boolean[]): Promise<void> => {
        const left = [...answers];
        const send = async (message: HookMessage): Promise<Sent> => {
          tried.push(message);
          if (!(left.shift() ?? true)) return FAILED;
          delivered.push(message);
          return DELIVERED;
        };
        await deliver({ rules: hook.rules, send }, deps, NEVER);
        bench.clock.advance(2 * 3_600_000);
        await claim.renew();
      };
      for (const one of steps) {
        const id = `task-${'task' in one ? one.task : 0}`;
        if (one.kind === 'put') {
          await claim.commit(changeOf({ tasks: [mirrorTask(id, 0, { status: one.status })] }));
        } else if (one.kind === 'remove') await claim.remove([id]);
        else await pass(one.answers);
      }
      await pass([]);
      await pass([]);
      await claim.release();
      const told = delivered.map(({ body }) => `${JSON.stringify(body.data['seq'])} ${body.type}`);
      expect(told).toEqual(expectedOf(bench.file));
      const ids = new Map(tried.map((message) => [message.id, message.body.type + message.body.timestamp]));
      for (const { id, body } of tried) expect(ids.get(id)).toBe(body.type + body.timestamp);
      expect(new Set(delivered.map(({ id }) => id)).size).toBe(delivered.length);
    }),
    { numRuns: 60 },
  );
});

/** The events that the tables tell of: computed by SQL, so by other means than the program's. */
function expectedOf(file: string): string[] {
  return readRows<{ event: string }>(
    file,
    `with steps as (
      select t.id, t.added_seq as seq, 'added' as kind,
        coalesce((select c.old_value from task_changes c where c.task_id = t.id and c.field = 'status'
          order by c.seq limit 1), t.status) as status
      from tasks t
      union all
      select c.task_id, c.seq,
        case max(case when c.field = 'removed_at' then case when c.new_value is null then 2 else 1 end else 0 end)
          when 2 then 'returned' when 1 then 'removed' else 'changed' end,
        max(case when c.field = 'status' then c.new_value end)
      from task_changes c group by c.task_id, c.seq
    )
    select event from (
      select seq, 0 as rank, seq || ' task.' || kind as event from steps
      union all
      select seq, 1, seq || ' task.' || status from steps where status is not null
    ) order by seq, rank`,
  ).map(({ event }) => event);
}

test('a new kind of error is told once, for the first of the tasks that have it', async () => {
  const hook = new FakeHook({ events: ['error_group.new'] });
  const { mirror, file, clock, deps } = await hookBench(hook);
  const feed = await openFeed(file, clock);
  onTestFinished(() => feed.close());
  const first = await mirror.claim(SOURCE);
  await first.finishRun(await first.startRun('backfill'), RECORD);
  await first.release();
  clock.advance(1_000);
  const claim = await mirror.claim(SOURCE);
  const commit = (id: string, error: string | null) =>
    claim.commit(changeOf({ tasks: [mirrorTask(id, 0, { status: 'failed', error })] }));
  for (const [id, error] of [
    ['a', 'disk 1 is full'],
    ['b', 'disk 2 is full'],
    ['c', 'no network'],
    ['a', 'no network'],
  ] as const) {
    await commit(id, error);
  }
  await deliver(hook, { ...deps, feed }, NEVER);
  await commit('d', 'disk 3 is full');
  await deliver(hook, { ...deps, feed }, NEVER);
  await claim.release();
  expect(hook.sent.map(({ body }) => [body.data['seq'], body.data['error_group']])).toEqual([
    // The first task with a full disk has another error since.
    [2, 'disk <n> is full'],
    [3, 'no network'],
  ]);
});
