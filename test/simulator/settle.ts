import type { Verdict } from '../../src/model/run.ts';
import { claimsAll, lastOver } from './coverage.ts';
import type { RunDecision } from './decisions.ts';
import type { Facts, Finding } from './invariants.ts';
import { taskKey } from './keys.ts';
import { Plan } from './plan.ts';
import { Run } from './run.ts';
import type { Simulation } from './simulation.ts';
import type { Version } from './world.ts';

/** Most full runs before a list with shuffled ties has to be exact. */
const HEALING_RUNS = 12;

/**
 * Ends a history. The list has come to rest with one more task at its top, since no answer can show whether
 * what lies above its first row is gone or not shown yet; and nothing fails any more. Then one plain run
 * misses only what the design lets it miss, a full run makes the copy exact, and after that nothing is left
 * to do.
 */
export async function settle(simulation: Simulation): Promise<void> {
  simulation.calm();
  simulation.time.advance(400_000);
  for (const { name } of simulation.identities) simulation.comeToRest(name);
  for (const [source, { name }] of simulation.identities.entries()) {
    simulation.time.advance(400_000);
    let runs = 0;
    // Each run has its own number, and so other orders of shuffled ties.
    const calm = (mode: RunDecision['mode']) => performCalm(simulation, { source, mode, run: -(runs += 1) });
    const { report, failure } = await calm('plain');
    if (failure === null) {
      const doubt =
        report.verdict === 'unproven' ? doubtOf(simulation, name, 'a plain run', report.error) : [];
      simulation.judgeAndCount('10 exact at rest', [...doubt, ...differences(factsOf(simulation, name))]);
    }
    await makeExact(simulation, name, calm);
  }
  for (const { name } of simulation.identities) checkAmongOthers(simulation, name);
  simulation.judge('13 followed', await simulation.follower.catchUp());
  simulation.judge(
    '11 sound mirror',
    (await simulation.view.damage()).map((what) => ({ what, excuse: null })),
  );
}

/** Checks that a source stays exact while the others end. Rows without activity may hide others from it. */
function checkAmongOthers(simulation: Simulation, name: string): void {
  if (!simulation.history.setup.isShared || isShuffled(simulation)) return;
  const facts = factsOf(simulation, name);
  if (facts.world.inOrder().some(({ row }) => row.activity === null)) return;
  const found = differences(facts).map(({ what }) => ({ what, excuse: null }));
  simulation.judge('12 exact among others', found);
}

type Calm = (mode: RunDecision['mode']) => ReturnType<typeof performCalm>;

/** Rows that a page must show whole to go on: two above what was read, and one more. */
const READABLE_ROWS = 3;

async function makeExact(simulation: Simulation, source: string, calm: Calm): Promise<void> {
  let left: Finding[] = [];
  for (let attempt = 1; attempt <= (isShuffled(simulation) ? HEALING_RUNS : 1); attempt += 1) {
    const { report } = await calm('full');
    const isProven = report.verdict !== 'unproven';
    left = isProven
      ? [...inexact(factsOf(simulation, source)), ...unclean(simulation, source, report.verdict)]
      : doubtOf(simulation, source, 'a full run', report.error);
    simulation.tally.add('checks', isProven ? 'exact copies' : 'unproven full runs');
    if (isProven) break;
  }
  simulation.judgeAndCount('10 exact at rest', left);
  if (left.length > 0) return;
  const { report } = await calm('plain');
  const wrote = report.inserted + report.updated + report.removed;
  const again =
    wrote === 0 ? [] : [{ what: `${wrote} rows written though nothing has changed`, excuse: null }];
  simulation.judge('10 exact at rest', again);
}

/** Checks that a walk at rest links at once, unless ties change their order or rows show no activity. */
function unclean(simulation: Simulation, source: string, verdict: Verdict | null): Finding[] {
  const order = simulation.world(source).inOrder();
  if (verdict === 'clean' || isShuffled(simulation) || order.some(({ row }) => row.activity === null))
    return [];
  return [{ what: `a full run at rest was ${verdict}`, excuse: null }];
}

/** Judges a run at rest that stayed unproven: only shuffled ties, or rows without activity, excuse that. */
function doubtOf(simulation: Simulation, source: string, which: string, error: string | null): Finding[] {
  const { pageSize, serverLimit } = simulation.history.setup;
  const page = Math.min(pageSize, serverLimit);
  const what = `${which} at rest stayed unproven: ${error}`;
  const isHidden = longestUnreadable(simulation.world(source).inOrder()) > page - READABLE_ROWS;
  if (isHidden) return [{ what, excuse: 'unreadable rows' }];
  const isTorn = which === 'a plain run' && isShuffled(simulation);
  return [{ what, excuse: isTorn ? 'torn ties' : null }];
}

function longestUnreadable(order: readonly Version[]): number {
  let [longest, length] = [0, 0];
  for (const { row } of order) {
    length = row.activity === null ? length + 1 : 0;
    longest = Math.max(longest, length);
  }
  return longest;
}

async function performCalm(simulation: Simulation, chosen: Pick<RunDecision, 'source' | 'mode' | 'run'>) {
  const decision: RunDecision = {
    ...chosen,
    what: 'run',
    allowRemovals: chosen.mode === 'full',
    pauseMs: 0,
    reopen: false,
    getLies: false,
    lag: 0,
    serverSkewMs: 0,
    ownSkewMs: 0,
  };
  return new Run(simulation, new Plan(decision, [])).perform(await simulation.store());
}

/**
 * Returns every difference between the list at rest and the mirror. Three kinds are excused: what came to its
 * place, or changed in it, after the place was read last; what lies where the ledger says that rows may be
 * missing; and what only a full run may remove.
 */
function differences(facts: Facts): Finding[] {
  const { world, source, tasks, stretches, denied, oldest } = facts;
  const present = world.inOrder().flatMap((version): Finding[] => {
    const mirrored = tasks.get(version.id);
    if (version.flaw !== null || (mirrored?.isLive === true && mirrored.key === taskKey(version.task)))
      return [];
    const row = world.rows.get(version.id);
    const stretch = lastOver(stretches, version.activity);
    const from = stretch?.from ?? 0;
    const shownFrom = Math.min(oldest, stretch?.shownFrom ?? 0);
    const what = `${version.id} is not in the mirror as it is in the list, at rest`;
    if (row !== undefined && row.placedSince > from) return [{ what, excuse: 'came late' }];
    if (version.since > from) return [{ what, excuse: 'silent edit' }];
    const isOld =
      row !== undefined && row.placedSince > shownFrom && version.activity > (stretch?.shownTop ?? 0);
    // An older version may have overwritten it; but such a copy cannot show that a row above its top is gone.
    const isOverwritten = mirrored?.isLive === true;
    if (version.since > shownFrom && (!isOld || isOverwritten)) return [{ what, excuse: 'old copy' }];
    if (denied.has(version.id) && mirrored?.isLive === false) return [{ what, excuse: 'GET lied' }];
    if (stretch?.mayBeTorn(version.activity) === true) return [{ what, excuse: 'torn ties' }];
    return [{ what, excuse: claimsAll(source.ledger, version.activity) ? null : 'in a gap' }];
  });
  return [...present, ...extra(facts).map((what): Finding => ({ what, excuse: 'not removed yet' }))];
}

/** Returns every difference between the list and the mirror after a full run at rest: there must be none. */
function inexact(facts: Facts): Finding[] {
  const { world, source, tasks } = facts;
  const order = world.inOrder();
  const wrong = order
    .filter(({ id, task, flaw, rejection }) => {
      const mirrored = tasks.get(id);
      if (flaw !== null) return rejection === null || !source.rejections.has(rejection);
      return mirrored?.isLive !== true || mirrored.key !== taskKey(task) || source.rejections.has(id);
    })
    .map(({ id }) => `${id} is not in the mirror as it is in the list`);
  const rejections = new Set(order.map(({ rejection }) => rejection));
  const stale = [...source.rejections]
    .filter((key) => !rejections.has(key))
    .map((key) => `rejection ${key} is stale`);
  return [...wrong, ...extra(facts), ...stale].map((what) => ({ what, excuse: null }));
}

/** Returns tasks of the source that it does not show; what another one holds, that one must show. */
function extra({ name, world, tasks }: Facts): string[] {
  return [...tasks.values()]
    .filter(({ source, isLive }) => isLive && source === name)
    .filter(({ task }) => world.rows.get(task.id)?.current === null)
    .map(({ task }) => `${task.id} is live in the mirror, but gone from the list`);
}

function factsOf(simulation: Simulation, source: string): Facts {
  const facts = simulation.facts(source);
  if (facts === null) throw new Error('The mirror does not know this source.');
  return facts;
}

function isShuffled({ history }: Simulation): boolean {
  return history.setup.tieOrder === 'shuffled';
}
