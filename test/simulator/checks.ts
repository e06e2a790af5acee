import type { SyncResult } from '../../src/sync/sync.ts';
import { type Interval, newlyClaimed, type Stretch } from './coverage.ts';
import {
  behindLedger,
  claimsTooMuch,
  type Facts,
  type Finding,
  illFormed,
  isMirroredSince,
  neverShown,
} from './invariants.ts';
import { depthOf, notReadAgain, topOf, wronglyRemoved } from './run-invariants.ts';
import type { Run } from './run.ts';

/** Up to this many rows may be removed without the brake (design: "Removal, only on proof"). */
const BRAKE_ROWS = 20;
const NOTHING_CLAIMED = { watermark: null, gaps: [] };

/** Reads again what the call may have written (`ids`: its tasks), and checks what holds after a commit. */
export async function checkAfterCall(
  run: Run,
  { name, ids, isOusted }: { name: string; ids: readonly string[]; isOusted: boolean },
): Promise<void> {
  const { simulation } = run;
  const { view } = simulation;
  const source = run.identity.name;
  if (isOusted && WRITES.has(name)) {
    simulation.judge('7 one writer', [{ what: `${name} succeeded without the lease`, excuse: null }]);
  }
  if (name === 'claim') await view.refreshSource(source);
  if (name === 'forgetUnseenRejections') await noteForgotten(run);
  if (run.isDry || (name !== 'commit' && name !== 'remove')) return;
  const claimed = view.sources.get(source)?.ledger ?? NOTHING_CLAIMED;
  const removed = ids.filter((id) => view.tasks.get(id)?.isLive === true);
  const heldBefore = new Map(ids.map((id) => [id, view.tasks.get(id)?.source]));
  await view.refresh(source, ids);
  const facts = simulation.facts(source);
  if (facts === null) return;
  for (const interval of newlyClaimed(claimed, facts.source.ledger)) {
    simulation.stretches(source).push(stretchOf(run, interval.above, interval.upTo));
  }
  simulation.judge('1 shown by the API', neverShown(facts, ids));
  if (name === 'remove') {
    const gone = removed.filter((id) => facts.tasks.get(id)?.isLive === false);
    const closing = (facts.source.ledger.watermark ?? -Infinity) - run.before.overlapMs;
    simulation.judgeAndCount(
      '2 removed on proof',
      wronglyRemoved(facts, gone, run.probe, {
        closing,
        allowRemovals: run.plan.run.allowRemovals,
      }),
    );
    // This includes rows that another source holds, if it is forgotten that this source shows them.
    for (const id of ids) if (run.probe.denied.has(id)) simulation.denied.add(id);
    for (const id of removed) {
      const holder = facts.tasks.get(id)?.source;
      if (holder !== source && heldBefore.get(id) === source) simulation.tally.add('checks', 'handed over');
    }
  }
  simulation.judge('3 ledger not ahead', checkLedger(run, facts));
  simulation.judge('13 followed', await simulation.follower.look());
  checkOthers(run, name);
}

/** Notes rows whose rejection was forgotten: an old list lacks rows rejected since, so they look gone. */
async function noteForgotten({ simulation, identity: { name }, probe }: Run): Promise<void> {
  const { view } = simulation;
  const before = view.sources.get(name)?.rejections ?? new Set();
  await view.refreshSource(name);
  if (probe.oldest === Infinity) return;
  const kept = view.sources.get(name)?.rejections;
  const gone = [...before].filter((key) => kept?.has(key) !== true);
  for (const { id, byTask } of simulation.world(name).rows.values()) {
    if ([...byTask.values()].some(({ rejection }) => gone.includes(rejection ?? '')))
      simulation.forgotten.add(id);
  }
}

/** Checks that one source's writes take nothing from another source that shows the same tasks. */
function checkOthers({ simulation, identity }: Run, call: string): void {
  if (!simulation.history.setup.isShared) return;
  for (const { name } of simulation.identities.filter((other) => other.name !== identity.name)) {
    const facts = simulation.facts(name);
    if (facts !== null) simulation.judge(`12 exact among others: ${call}`, behindLedger(facts));
  }
}

/** Without startRun, which has nothing to write if the record says the right kind already. */
const WRITES = new Set(['finishRun', 'commit', 'remove', 'forgetUnseenRejections']);

/** Checks what must hold after every run, however it ended. */
export async function checkAfterRun(run: Run, result: SyncResult): Promise<void> {
  const { simulation, process, identity } = run;
  const { view, tally } = simulation;
  checkFailure(run, result);
  if (run.isDry) {
    const wrote = (await view.fingerprint()) !== run.fingerprint;
    simulation.judge(
      '8 a dry run writes nothing',
      wrote ? [{ what: 'the mirror has changed', excuse: null }] : [],
    );
    return;
  }
  // The process that has the lease now does the check, and may be in the middle of it.
  if (process.isOusted) return;
  await view.refreshSource(identity.name);
  const drifted = (await view.drifted()).map((id) => ({
    what: `${id} changed outside of a commit`,
    excuse: null,
  }));
  simulation.judge('1 shown by the API', drifted);
  const facts = simulation.facts(identity.name);
  if (facts === null) return;
  const through = await view.completeThrough(identity.name);
  simulation.judge('4 complete_through', claimsTooMuch(facts, through));
  if (!process.isDead) checkReport(run, result, facts, through);
  simulation.judgeAndCount('3 ledger not ahead', checkLedger(run, facts));
  tally.add(
    'outcomes',
    process.isDead ? 'crashed' : `${result.report.outcome} ${result.report.verdict ?? ''}`.trim(),
  );
}

/** Checks that a completed run has read what it promises to read, whatever the ledger says. */
function checkReport(run: Run, { report, failure }: SyncResult, facts: Facts, through: number | null): void {
  const { simulation, probe, before } = run;
  // A run that could not even write its record says nothing about it.
  const isSilent = failure instanceof Error && failure.name === 'DatabaseError';
  if (report.completeThrough !== utc(through) && !isSilent) {
    const what = `reported ${report.completeThrough}, the mirror says ${utc(through)}`;
    simulation.judge('4 complete_through', [{ what, excuse: null }]);
  }
  if (failure !== null) return;
  if (!run.isFull) simulation.judgeAndCount('5 open tasks', notReadAgain(facts, before.open, probe));
  if (report.verdict === 'unproven' || probe.from === null) return;
  // The run has read nothing of what an old copy of the list lacks above its head.
  const shown = probe.head === null ? -Infinity : topOf(probe.head);
  const top = probe.oldest < Infinity ? shown : Infinity;
  // If a clock is behind, the head lies below the overlap, which is then left to the next run.
  const isBehind = Math.min(run.plan.run.serverSkewMs, run.plan.run.ownSkewMs) < 0;
  const overlapMs = isBehind ? 0 : before.overlapMs + 1;
  const floor = before.watermark === null ? -Infinity : before.watermark - overlapMs;
  if (run.isFull) {
    simulation.stretches(run.identity.name).push(stretchOf(run, -Infinity, top));
  } else if (probe.head?.mayBeUnchanged === true) {
    const depth = depthOf(probe.head);
    countQuiet(run, facts, { above: floor, upTo: depth });
    simulation.stretches(run.identity.name).push(stretchOf(run, depth, top));
  } else {
    simulation.stretches(run.identity.name).push(stretchOf(run, floor, top));
  }
}

/** Counts the rows that the run would have had to find if it had not taken the list for unchanged. */
function countQuiet({ simulation, probe }: Run, facts: Facts, unread: Interval): void {
  simulation.tally.add('checks', 'quiet heads');
  const missed = facts.world.inOrder().filter((version) => {
    const row = facts.world.rows.get(version.id);
    const isUnread = version.activity > unread.above && version.activity <= unread.upTo;
    return isUnread && row !== undefined && !isMirroredSince(row, version, facts, probe.from ?? 0);
  });
  simulation.tally.add('excuses', 'quiet head', missed.length);
}

function checkLedger({ simulation }: Run, facts: Facts): Finding[] {
  simulation.tally.add('checks', 'rows', facts.world.inOrder().length);
  return [...illFormed(facts, simulation.time.now()), ...behindLedger(facts)];
}

function stretchOf({ probe, simulation, identity }: Run, above: number, upTo: number): Stretch {
  const world = simulation.world(identity.name);
  const from = probe.from ?? world.moment;
  return {
    above,
    upTo,
    from,
    shownFrom: Math.min(from, probe.oldest),
    shownTop: probe.oldestTop,
    // Answers of different lists together count places of a group that none of them has alone.
    mayBeTorn: (activity) =>
      probe.crowded.has(activity) && ((probe.until ?? world.moment) > from || probe.oldest < from),
  };
}

/** Checks that a run fails only because of what was done to it. */
function checkFailure(run: Run, { failure }: SyncResult): void {
  const { simulation, process, probe } = run;
  if (failure === null || process.isDead) return;
  const name = failure instanceof Error ? failure.name : 'unknown';
  const isExpected =
    probe.injected.has(name) ||
    (name === 'LeaseHeldError' && process.isOusted) ||
    (name === 'DatabaseError' && simulation.wasCut) ||
    (name === 'SafetyStopError' && mayStop(run));
  if (isExpected) simulation.tally.add('failures', name);
  else simulation.judge('9 fails only of faults', [{ what: failureText(failure), excuse: null }]);
}

/** Returns whether the brake may act: on an empty list, or on a full run of a mirror with enough rows. */
function mayStop({ simulation, probe, plan, isFull }: Run): boolean {
  const wasEmpty = probe.showedNothing;
  return !plan.run.allowRemovals && (wasEmpty || (isFull && simulation.view.tasks.size > BRAKE_ROWS));
}

function failureText(failure: unknown): string {
  return failure instanceof Error ? (failure.stack ?? failure.message) : JSON.stringify(failure);
}

function utc(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
