import type { ListPage } from '../../src/source/source.ts';
import { OPEN_STATUSES } from '../../src/model/task.ts';
import type { Facts, Finding } from './invariants.ts';
import { detailKey, taskKey } from './keys.ts';
import type { MirroredSource, MirroredTask } from './mirror.ts';
import type { Probe } from './probe.ts';
import type { Row } from './world.ts';

/**
 * Invariant 2: no task is removed (`ids`: those just removed) that was there at every moment of the run, or
 * for which GET did not answer 404. If GET answers 404 for a row that is there, the two walks still protect a
 * row that kept its place, or rose once to at least `closing` (ms), where the closing walk ends: one of them
 * meets it.
 */
export function wronglyRemoved(
  { world }: Facts,
  ids: Iterable<string>,
  probe: Probe,
  { closing, allowRemovals }: { closing: number; allowRemovals: boolean },
): Finding[] {
  return [...ids].flatMap((id): Finding[] => {
    const row = world.rows.get(id);
    const from = probe.from ?? 0;
    if (row === undefined) return [];
    if (!probe.gone.has(id)) return [{ what: `${id} was removed without asking for it`, excuse: null }];
    if (row.current === null || row.presentSince > from) return [];
    const moves = row.moves.filter(({ moment }) => moment > from);
    const isNamed = [...row.byTask.values()].every(({ flaw, until }) => flaw !== 'unnamed' || until <= from);
    const isProtected =
      isNamed && !probe.isStale && moves.length < 2 && moves.every(({ to }) => to >= closing);
    const isTorn = world.moment > from && probe.crowded.has(row.current.activity);
    const isLie = probe.denied.has(id) && (!isProtected || isTorn);
    const what = `${id} was removed although it was there all the time`;
    if (isOlderThan(row, probe, allowRemovals)) return [{ what, excuse: 'old copy' }];
    return [{ what, excuse: isLie ? 'GET lied' : null }];
  });
}

/**
 * Returns whether the replica that the run was shown lacks the row in a way that no program could notice: the
 * row came at or below the head of that list. A newer row above it would show that, unless the user takes the
 * answers for true.
 */
function isOlderThan(row: Row, { oldest, oldestTop }: Probe, allowRemovals: boolean): boolean {
  if (row.placedSince <= oldest) return false;
  return allowRemovals || (row.current?.activity ?? Infinity) <= oldestTop;
}

/** Returns the ids of the tasks that the mirror takes to be open: every run has to read them again. */
export function openTasks(tasks: Facts['tasks'], source: string): string[] {
  return [...tasks.values()]
    .filter((mirrored) => mirrored.isLive && mirrored.source === source && isOpen(mirrored))
    .map(({ task }) => task.id);
}

function isOpen({ task }: MirroredTask): boolean {
  return OPEN_STATUSES.some((status) => status === task.status);
}

/** Checks that what GET shows of the open tasks (`ids`) is up to date after every run that did not fail. */
export function notReadAgain({ world, tasks }: Facts, ids: Iterable<string>, probe: Probe): Finding[] {
  return [...ids].flatMap((id): Finding[] => {
    const current = world.rows.get(id)?.current ?? null;
    const mirrored = tasks.get(id);
    if (current === null || current.flaw !== null || current.since > (probe.from ?? 0)) return [];
    if (mirrored === undefined || mirrored.detailKey === detailKey(current.task)) return [];
    const isOld = current.since > probe.oldest;
    const failed = probe.withheld.has(id) ? 'GET failed' : null;
    const excuse = isOld ? 'old copy' : probe.denied.has(id) ? 'GET lied' : failed;
    return [{ what: `${id} was open, and was not read again`, excuse }];
  });
}

/**
 * Returns whether the design lets a plain run whose first readable page is this one take the list for
 * unchanged: the page reaches below the watermark, its tasks are mirrored as they are, and the total is that
 * of the last run that found something new (src/sync/head.ts, read).
 */
export function mayBeUnchanged(
  page: ListPage,
  source: MirroredSource | undefined,
  tasks: Facts['tasks'],
): boolean {
  const watermark = source?.ledger.watermark ?? null;
  if (source === undefined || watermark === null || page.total !== source.total) return false;
  if (page.hasMore && lastActivity(page) >= watermark) return false;
  return page.rows.every(({ task }) => {
    if (task === undefined) return true;
    const mirrored = tasks.get(task.id);
    return mirrored?.isLive === true && mirrored.key === taskKey(task);
  });
}

/** Returns the deepest activity that the page shows, in ms; -Infinity if the list ends with it. */
export function depthOf({ page, isLast }: { page: ListPage; isLast: boolean }): number {
  return isLast ? -Infinity : lastActivity(page);
}

/** Returns the newest activity that the page shows, in ms; Infinity if it shows everything, or none. */
export function topOf({ page, isLast }: { page: ListPage; isLast: boolean }): number {
  const activities = page.rows.flatMap(({ activity }) => activity ?? []);
  return activities.length === 0 || (isLast && page.rows.length === 0) ? Infinity : Math.max(...activities);
}

function lastActivity({ rows }: ListPage): number {
  return rows.findLast(({ activity }) => activity !== null)?.activity ?? Infinity;
}
