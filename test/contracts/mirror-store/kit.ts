import type { Change, MirrorClaim, MirrorStore, RunRecord, SourceStatus } from '../../../src/store/store.ts';
import type { RejectedRow } from '../../../src/model/task.ts';
import type { RunKind } from '../../../src/model/run.ts';
import type { OmittableField, Task } from '../../../src/model/task.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import { completedTask, EPOCH } from '../../support/tasks.ts';

/** A mirror under test, empty at first. The maker cleans up when the test is done. */
export interface MirrorUnderTest {
  /** The clock of every store that `open` gives. */
  clock: FakeClock;
  /** Opens the mirror, once more as another process would do it; with fields that must not be kept. */
  open: (omit?: readonly OmittableField[]) => Promise<MirrorStore>;
  /** Makes the lease of a source look as if this process held it, since the same moment. */
  setHolder: (source: string, holder: { pid: number; host: string }) => void | Promise<void>;
}

export const A = { name: 'a', baseUrl: 'https://a.example' };
export const B = { name: 'b', baseUrl: 'https://b.example' };
export const HOUR = 3_600_000;
export const RECORD: RunRecord = {
  outcome: 'ok',
  verdict: 'clean',
  requests: 5,
  rowsSeen: 400,
  inserted: 3,
  updated: 2,
  unchanged: 395,
  removed: 1,
  rejected: 4,
  error: null,
};

/** A task as a source gives it, `age` ms old. */
export function mirrorTask(id: string, age = 0, changes: Partial<Task> = {}): Task {
  return { ...completedTask(id, EPOCH - age), env: null, extra: null, ...changes };
}

export function rejectedRow(id: string | null, changes: Partial<RejectedRow> = {}): RejectedRow {
  return { id, payload: `{"id":"${id}"}`, reason: 'status: expected a string', ...changes };
}

/** A change with nothing in it but what is given. */
export function changeOf(change: Partial<Change>): Change {
  return { tasks: [], rejected: [], ...change };
}

/** A task that no store can keep, so that a commit fails in its middle. */
export const unstorable = (id: string): Task =>
  mirrorTask(id, 0, { autoExecute: null as unknown as boolean });

export const statusOf = async (store: MirrorStore, source: string): Promise<SourceStatus | undefined> =>
  (await store.status()).find((status) => status.source === source);

/** All that a claim and its store tell: two that are equal mean that nothing was written in between. */
export async function everything(store: MirrorStore, source = A): Promise<unknown> {
  const seen = await store.observe(source);
  return {
    state: await seen.state(),
    live: await seen.countAbove(-Infinity),
    open: await seen.openTasks(),
    status: await store.status(),
    retention: await store.retention(),
    runs: await store.recentRuns(100),
  };
}

/** Every method of a claim that writes. */
export const writes: [string, (claim: MirrorClaim) => Promise<unknown>][] = [
  ['startRun', (claim) => claim.startRun('reconcile')],
  ['finishRun', (claim) => claim.finishRun(1, RECORD)],
  ['commit of a task', (claim) => claim.commit(changeOf({ tasks: [mirrorTask('late')] }))],
  ['commit of a rejected row', (claim) => claim.commit(changeOf({ rejected: [rejectedRow('late')] }))],
  ['commit of a ledger', (claim) => claim.commit(changeOf({ ledger: { watermark: EPOCH + 1, gaps: [] } }))],
  ['remove', (claim) => claim.remove(['kept'])],
  [
    'forgetUnseenRejections',
    (claim) => claim.beginSweep().then(() => claim.forgetUnseenRejections(Infinity)),
  ],
  ['prune', (claim) => claim.prune({ changesSince: EPOCH + HOUR, removedSince: null }, NEVER)],
  ['prepareForReaders', (claim) => claim.prepareForReaders(new AbortController().signal)],
  ['renew', (claim) => claim.renew()],
];

/** A signal that does not abort. */
export const NEVER = new AbortController().signal;

export type Make = () => Promise<MirrorUnderTest>;

/** A fresh mirror, open, with the lease of source A. */
export async function open(
  make: Make,
): Promise<MirrorUnderTest & { store: MirrorStore; claim: MirrorClaim }> {
  const mirror = await make();
  const store = await mirror.open();
  return { ...mirror, store, claim: await store.claim(A) };
}

/** The same mirrors, but each claim begins with a sweep, as a full run does. */
export function inSweep(make: Make): Make {
  return async () => {
    const mirror = await make();
    return {
      ...mirror,
      async open(omit) {
        const store = await mirror.open(omit);
        const claim = store.claim.bind(store);
        store.claim = async (source) => {
          const claimed = await claim(source);
          await claimed.beginSweep();
          return claimed;
        };
        return store;
      },
    };
  };
}

/** A run of source A from its beginning to its end, which leaves this record behind. Returns its id. */
export async function runOf(
  store: MirrorStore,
  kind: RunKind,
  record: Partial<RunRecord> = {},
): Promise<number> {
  return finish(await store.claim(A), kind, record);
}

/** Does the run of a claim, and gives it back. Returns the run's id. */
export async function finish(
  claim: MirrorClaim,
  kind: RunKind,
  record: Partial<RunRecord> = {},
): Promise<number> {
  const id = await claim.startRun(kind);
  await claim.finishRun(id, { ...RECORD, ...record });
  await claim.release();
  return id;
}
