import { claimsAll, lastOver, type Stretch } from './coverage.ts';
import type { MirroredSource, MirroredTask } from './mirror.ts';
import type { List, Row, Version } from './world.ts';

/** The reason why the design lets a row be missing, old or gone for now. */
export type Excuse =
  /** It came to its place, below the head, after the place was read: late, risen, sunk or returned. */
  | 'came late'
  | 'rose meanwhile'
  | 'sank meanwhile'
  | 'returned meanwhile'
  /** Below the first page of a run that found nothing new, and in the overlap (src/sync/head.ts, read). */
  | 'quiet head'
  /** Ties too many for a page, in changing order, while the list moved (src/sync/ties.ts, judgeTies). */
  | 'torn ties'
  /** A replica that lagged behind showed the list without it, or its old version, amid what it did show. */
  | 'old copy'
  /** The server lists it elsewhere than where its activity belongs. */
  | 'misplaced'
  /** GET answered 404 for a row that is there. */
  | 'GET lied'
  /** GET failed for a task that was open, and the list did not. */
  | 'GET failed'
  /** Changed in place, and no run has looked again since. */
  | 'silent edit'
  /** Gone from the list; only a full run may remove it. */
  | 'not removed yet'
  /** The ledger says that rows may be missing here: the run at rest stayed unproven. */
  | 'in a gap'
  /** Too many rows without a readable activity in a row for a page to link across them. */
  | 'unreadable rows';

/** A difference from the list: excused by the design, or lost if it has no excuse. */
export interface Finding {
  what: string;
  excuse: Excuse | null;
}

/** The facts that an invariant needs. */
export interface Facts {
  /** The name of the source. */
  name: string;
  world: List;
  source: MirroredSource;
  tasks: ReadonlyMap<string, MirroredTask>;
  stretches: readonly Stretch[];
  /** Tasks that were removed because GET answered 404 for them, though they are there. */
  denied: ReadonlySet<string>;
  /** Rows that were set aside, and then forgotten by a full run that was shown an old list. */
  forgotten: ReadonlySet<string>;
  /** The moment of the oldest list that any run was shown: it may have overwritten a later one. */
  oldest: number;
}

const ARRIVALS = {
  new: 'came late',
  late: 'came late',
  rose: 'rose meanwhile',
  sank: 'sank meanwhile',
  returned: 'returned meanwhile',
} as const satisfies Record<Row['arrival'], Excuse>;

/**
 * Invariant 1: the mirror holds no task that the API never showed in exactly this version. A task merged from
 * a GET has the fields of one GET answer; each other field is as some list answer showed it, or derived from
 * the times.
 */
export function neverShown({ world, tasks }: Facts, ids: Iterable<string>): Finding[] {
  return [...ids].flatMap((id) => {
    const mirrored = tasks.get(id);
    const row = world.rows.get(id);
    if (mirrored === undefined || row === undefined || lastMoment(row, mirrored) !== null) return [];
    return [{ what: `${id} is mirrored as the API never showed it: ${mirrored.key}`, excuse: null }];
  });
}

/**
 * Invariant 3: the ledger is never ahead of the rows. Every row that has been in its place since before the
 * run that read this place last (`from`: its first answer) is mirrored, live, as it was at some moment since
 * then; or rejected, if the API garbled it then. And the ledger claims no place that no run has read.
 */
export function behindLedger({
  world,
  source,
  tasks,
  stretches,
  denied,
  forgotten,
  oldest,
}: Facts): Finding[] {
  return world.inOrder().flatMap((version) => {
    const row = world.rows.get(version.id);
    const stretch = lastOver(stretches, version.activity);
    if (row === undefined) return [];
    if (stretch === undefined) {
      if (!claimsAll(source.ledger, version.activity)) return [];
      return [{ what: `the ledger claims the place of ${version.id}, which no run has read`, excuse: null }];
    }
    if (isMirroredSince(row, version, { source, tasks }, stretch.from)) return [];
    // Above the watermark nothing is claimed: what has come there since is for the next run.
    if (row.placedSince > stretch.from && !claimsAll(source.ledger, version.activity)) return [];
    const isDenied = denied.has(row.id) && tasks.get(row.id)?.isLive === false;
    const isOld = isMirroredSince(row, version, { source, tasks }, Math.min(oldest, stretch.shownFrom));
    const excuse =
      isOld || forgotten.has(row.id) ? 'old copy' : isDenied ? 'GET lied' : excuseOf(row, version, stretch);
    return [{ what: describe(row, version, tasks), excuse }];
  });
}

/** Returns whether the mirror has this row as it was at some moment at or after `from`. */
export function isMirroredSince(
  row: Row,
  version: Version,
  { source, tasks }: Pick<Facts, 'source' | 'tasks'>,
  from: number,
): boolean {
  const mirrored = tasks.get(row.id);
  const until = mirrored?.isLive === true ? lastMoment(row, mirrored) : null;
  if (until !== null && until > from) return true;
  if (version.flaw === null && version.since <= from) return false;
  return [...row.byTask.values()].some(
    (one) => one.until > from && one.rejection !== null && source.rejections.has(one.rejection),
  );
}

/**
 * Returns the last moment at which the row was as in the mirror, as far as the API showed it; null: never.
 */
function lastMoment(row: Row, { task, key, detailKey }: MirroredTask): number | null {
  const exact = row.byTask.get(key);
  const detail = row.byDetail.get(detailKey);
  const listed = exact?.listed === true ? exact.until : null;
  if (detail?.got !== true) return listed;
  const shown = [...row.byTask.values()].filter((version) => version.listed && version.flaw === null);
  const isMerged =
    shown.some((version) => version.task.messageCount === task.messageCount) &&
    shown.some((version) => version.task.extra === task.extra) &&
    (isDerived(task) || shown.some((version) => version.task.lastActivityAt === task.lastActivityAt));
  return isMerged ? Math.max(listed ?? 0, detail.until) : listed;
}

function isDerived({ createdAt, startedAt, completedAt, lastActivityAt }: MirroredTask['task']): boolean {
  return [createdAt, startedAt ?? '', completedAt ?? ''].toSorted().at(-1) === lastActivityAt;
}

function excuseOf(row: Row, version: Version, stretch: Stretch): Excuse | null {
  if (version.place !== version.activity) return 'misplaced';
  if (row.placedSince > stretch.from) return ARRIVALS[row.arrival];
  if (row.placedSince > stretch.shownFrom && version.activity <= stretch.shownTop) return 'old copy';
  return stretch.mayBeTorn(version.activity) ? 'torn ties' : null;
}

function describe(row: Row, version: Version, tasks: Facts['tasks']): string {
  const mirrored = tasks.get(row.id);
  const state = mirrored === undefined ? 'missing' : mirrored.isLive ? 'an old version' : 'removed';
  return `${row.id} (activity ${new Date(version.activity).toISOString()}, in its place since moment ${row.placedSince}, this version since ${version.since}) is ${state}`;
}

/** The server's Date header has whole seconds: the watermark may be this much (ms) ahead of it. */
const CLOCK_GRAIN_MS = 1_000;

/**
 * Invariant 3, the ledger itself: gaps are newest first, separate, and at or below the watermark, which is
 * not in the future (`now`, ms): whatever comes after it would lie below.
 */
export function illFormed({ source: { ledger } }: Facts, now: number): Finding[] {
  const { watermark, gaps } = ledger;
  if (watermark !== null && watermark > now + CLOCK_GRAIN_MS) {
    return [{ what: `the watermark is ${watermark - now} ms in the future`, excuse: null }];
  }
  const isWell = gaps.every(({ lower, upper }, i) => {
    const above = gaps[i - 1];
    const isApart = above === undefined || (above.lower !== null && upper < above.lower);
    return watermark !== null && upper <= watermark && (lower === null || lower < upper) && isApart;
  });
  return isWell ? [] : [{ what: `the ledger is no ledger: ${JSON.stringify(ledger)}`, excuse: null }];
}

/** Invariant 4: complete_through, as people see it, claims nothing that the ledger does not. */
export function claimsTooMuch({ source: { ledger } }: Facts, completeThrough: number | null): Finding[] {
  if (completeThrough === null) return [];
  const isTrue =
    ledger.watermark !== null &&
    completeThrough <= ledger.watermark &&
    ledger.gaps.every(({ lower }) => lower !== null && lower >= completeThrough);
  if (isTrue) return [];
  return [
    { what: `complete_through ${completeThrough} is ahead of ${JSON.stringify(ledger)}`, excuse: null },
  ];
}
