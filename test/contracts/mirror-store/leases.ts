import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { setImmediate as settled } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LeaseHeldError, UsageError } from '../../../src/model/errors.ts';
import type { LastRuns } from '../../../src/model/run.ts';
import type { MirrorStore } from '../../../src/store/store.ts';
import { at } from '../../support/tasks.ts';
import {
  A,
  B,
  HOUR,
  changeOf,
  everything,
  finish,
  mirrorTask,
  open,
  rejectedRow,
  runOf,
  statusOf,
  writes,
  type Make,
} from './kit.ts';

const runsOf = async (store: MirrorStore): Promise<LastRuns | undefined> => {
  let found: LastRuns | undefined;
  await store.claimUnless(A, (runs) => {
    found = runs;
    return true;
  });
  return found;
};

export function claimsUnless(make: Make): void {
  describe('a claim unless there is nothing left to do', () => {
    test('is refused with null, and leaves no trace', async () => {
      const store = await (await make()).open();
      expect(await store.claimUnless(A, () => true)).toBeNull();
      expect([await store.status(), await store.recentRuns(10)]).toEqual([[], []]);
    });

    test('is a claim like any other where something is left to do', async () => {
      const mirror = await make();
      const [store, other] = [await mirror.open(), await mirror.open()];
      const claim = await store.claimUnless(A, () => false);
      expect(await claim?.commit(changeOf({ tasks: [mirrorTask('x')] }))).toMatchObject({ inserted: 1 });
      await expect(other.claimUnless(A, () => false)).rejects.toBeInstanceOf(LeaseHeldError);
    });

    test('learns how the last runs of the source ended, and of no other source', async () => {
      const { clock, open: openAgain } = await make();
      const store = await openAgain();
      expect(await runsOf(store)).toEqual({ success: null, full: null, failedFull: null });
      const ended = async (...run: Parameters<typeof runOf> extends [unknown, ...infer R] ? R : never) => {
        clock.advance(1_000);
        return { id: await runOf(store, ...run), endedAt: at(clock.now()) };
      };
      const full = await ended('reconcile', { outcome: 'partial', verdict: 'unproven' });
      const failedFull = await ended('reconcile', { outcome: 'failed', verdict: null });
      await ended('reconcile', { outcome: 'interrupted', verdict: null });
      const success = await ended('incremental');
      await ended('incremental', { outcome: 'failed', verdict: null });
      await (await store.claim(A)).startRun('reconcile');
      await store.claim(B);
      expect(await runsOf(store)).toEqual({ success, full, failedFull });
    });

    test('is had by one of several processes that want the same done, at whatever moment each looks', async () => {
      const mirror = await make();
      const stores: MirrorStore[] = [];
      for (let i = 0; i < 5; i += 1) stores.push(await mirror.open());
      await Promise.all(
        stores.map(async (store) => {
          for (;;) {
            const claim = await store
              .claimUnless(A, ({ full }) => full !== null)
              .catch((error: unknown) => {
                if (error instanceof LeaseHeldError) return 'held' as const;
                throw error;
              });
            if (claim === null) return;
            if (claim === 'held') await settled();
            else await finish(claim, 'reconcile');
          }
        }),
      );
      expect((await stores[0]?.recentRuns(10))?.map(({ kind, outcome }) => [kind, outcome])).toEqual([
        ['reconcile', 'ok'],
      ]);
    });
  });
}

export function holders(make: Make): void {
  describe('the status of a source', () => {
    test('names the process that syncs it now, and since when', async () => {
      const { store, claim, clock } = await open(make);
      const since = at(clock.now());
      clock.advance(10_000);
      await claim.renew();
      const holder = { pid: process.pid, host: hostname(), since };
      expect(await statusOf(store, 'a')).toMatchObject({ holder });
      await claim.release();
      expect(await statusOf(store, 'a')).toMatchObject({ holder: null });
    });

    test('names a process of another host until its lease has run out', async () => {
      const { store, clock, setHolder } = await open(make);
      await setHolder('a', { pid: 7, host: 'elsewhere' });
      expect(await statusOf(store, 'a')).toMatchObject({ holder: { pid: 7, host: 'elsewhere' } });
      clock.advance(61_000);
      expect(await statusOf(store, 'a')).toMatchObject({ holder: null });
    });

    test('names no process of this host that is dead', async () => {
      const { store, setHolder } = await open(make);
      await setHolder('a', { pid: spawnSync(process.execPath, ['--version']).pid, host: hostname() });
      expect(await statusOf(store, 'a')).toMatchObject({ holder: null });
    });
  });
}

export function leases(make: Make): void {
  describe('a claim', () => {
    test('registers its source, of which nothing is promised yet', async () => {
      const { store } = await open(make);
      expect(await store.status()).toEqual([
        expect.objectContaining({
          source: 'a',
          baseUrl: A.baseUrl,
          completeThrough: null,
          liveRows: 0,
          gaps: [],
        }),
      ]);
    });

    test('keeps others away from its source, naming its pid and host, and from no other source', async () => {
      const mirror = await open(make);
      const other = await mirror.open();
      for (const store of [other, mirror.store]) {
        const refused = store.claim(A);
        await expect(refused).rejects.toBeInstanceOf(LeaseHeldError);
        await expect(refused).rejects.toThrow(`process ${process.pid} on ${hostname()}`);
      }
      const claim = await other.claim(B);
      expect(await claim.commit(changeOf({ tasks: [mirrorTask('b')] }))).toMatchObject({ inserted: 1 });
      expect(await mirror.claim.commit(changeOf({ tasks: [mirrorTask('a')] }))).toMatchObject({
        inserted: 1,
      });
    });

    test('can be had again once it is released, and releasing it twice is safe', async () => {
      const { claim, open: openAgain } = await open(make);
      await claim.release();
      await claim.release();
      const next = await (await openAgain()).claim(A);
      await claim.release();
      expect(await next.commit(changeOf({ tasks: [mirrorTask('x')] }))).toMatchObject({ inserted: 1 });
    });

    test.each(['renew', 'commit'] as const)('lasts as long as its holder calls %s', async (method) => {
      const { claim, clock, open: openAgain } = await open(make);
      const other = await openAgain();
      for (let i = 0; i < 20; i += 1) {
        clock.advance(15_000);
        await (method === 'renew' ? claim.renew() : claim.commit(changeOf({})));
      }
      await expect(other.claim(A)).rejects.toBeInstanceOf(LeaseHeldError);
    });

    test('is taken over from a holder that has not renewed it', async () => {
      const { clock, open: openAgain } = await open(make);
      const other = await openAgain();
      clock.advance(HOUR);
      const claim = await other.claim(A);
      expect(await claim.commit(changeOf({ tasks: [mirrorTask('x')] }))).toMatchObject({ inserted: 1 });
    });

    test('is taken over at once from a process of this host that is dead', async () => {
      const { open: openAgain, setHolder } = await open(make);
      await setHolder('a', { pid: spawnSync(process.execPath, ['--version']).pid, host: hostname() });
      const claim = await (await openAgain()).claim(A);
      expect(await claim.commit(changeOf({ tasks: [mirrorTask('x')] }))).toMatchObject({ inserted: 1 });
    });

    test('is not taken over from a process of another host, whatever its pid means here', async () => {
      const { open: openAgain, setHolder } = await open(make);
      await setHolder('a', { pid: spawnSync(process.execPath, ['--version']).pid, host: 'elsewhere' });
      await expect((await openAgain()).claim(A)).rejects.toThrow('on elsewhere');
    });

    test.each(writes)('that was lost writes nothing: %s', async (_method, write) => {
      const { store, claim, clock, open: openAgain } = await open(make);
      await claim.commit(changeOf({ tasks: [mirrorTask('kept')], rejected: [rejectedRow('r')] }));
      await claim.startRun('incremental');
      const other = await openAgain();
      clock.advance(HOUR);
      const holder = await other.claim(A);
      const before = await everything(store);
      await expect(write(claim)).rejects.toBeInstanceOf(LeaseHeldError);
      expect(await everything(store)).toEqual(before);

      await claim.release();
      await holder.renew();
    });

    test('is refused if its name stands for another base URL', async () => {
      const { store, claim } = await open(make);
      await claim.release();
      const refused = store.claim({ name: 'a', baseUrl: 'https://other.example' });
      await expect(refused).rejects.toBeInstanceOf(UsageError);
      await expect(refused).rejects.toThrow(/https:\/\/a\.example.*https:\/\/other\.example/);
      expect(await statusOf(store, 'a')).toMatchObject({ baseUrl: A.baseUrl });
    });

    test('moves between ports of this machine, but not there from a host that is only called like it', async () => {
      const { store, claim } = await open(make);
      await claim.release();
      await (await store.claim({ name: 'local', baseUrl: 'http://127.0.0.1:1' })).release();
      await (await store.claim({ name: 'local', baseUrl: 'http://localhost:2' })).release();
      await (await store.claim({ name: 'far', baseUrl: 'https://127.example' })).release();
      await expect(store.claim({ name: 'far', baseUrl: 'http://127.0.0.1:1' })).rejects.toBeInstanceOf(
        UsageError,
      );
    });

    test('ends with its store, which can be closed twice', async () => {
      const { store, open: openAgain } = await open(make);
      await store.close();
      await store.close();
      const claim = await (await openAgain()).claim(A);
      expect(await claim.commit(changeOf({ tasks: [mirrorTask('x')] }))).toMatchObject({ inserted: 1 });
    });
  });
}
