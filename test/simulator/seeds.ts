import type { Decision, History, MoveDecision, RunDecision, Setup } from './decisions.ts';

/**
 * Histories that once failed, as short as they could be made. They are kept decision by decision: a seed
 * would give another history as soon as the generator changes.
 */
export const FAILED: readonly { what: string; history: History }[] = [
  {
    what: 'a run that got nothing but empty pages said that it was clean',
    history: {
      seed: 8_965,
      setup: setup({ pageSize: 6, overlapMs: 30_000, total: 'none' }),
      decisions: [
        run(0, 'plain'),
        move(0, 'new', { where: 0.952, size: 2 }),
        run(1, 'plain'),
        move(1, 'rise', { where: 0.3, size: 1 }),
        { what: 'fault', run: 1, request: 1, fault: 'empty', size: 1, isLasting: true },
      ],
    },
  },
  {
    what: 'an unreadable row beside shuffled ties was counted as met, and a row of them was lost',
    history: {
      seed: 9_691,
      setup: setup({ pageSize: 3, overlapMs: 0, tieOrder: 'shuffled', isDated: true }),
      decisions: [
        move(0, 'burst', { where: 0.873, size: 8, lagMs: 410_117 }),
        move(0, 'load', { where: 0.528, size: 5, lagMs: 1_000 }),
        move(0, 'burst', { where: 0.279, size: 11, lagMs: 551_251 }),
        run(0, 'full'),
        move(0, 'spoil', { where: 0.345, size: 1 }),
        { what: 'fault', run: 0, request: 24, fault: 'empty', size: 2, isLasting: false },
      ],
    },
  },
  {
    what: 'ties larger than a page were never proven again once one of them could not be read',
    history: {
      seed: 188,
      setup: setup({ pageSize: 5, overlapMs: 2_000 }),
      decisions: [
        move(0, 'load', { where: 0.154, size: 12, lagMs: 64_000 }),
        move(0, 'burst', { where: 0.484, size: 11, lagMs: 771 }),
        move(0, 'spoil', { where: 0.345, size: 1 }),
        run(0, 'full'),
      ],
    },
  },
  {
    what: 'a gap that the first page of an unchanged list closed stayed in the file',
    history: {
      seed: 1,
      setup: setup({ pageSize: 5 }),
      decisions: [
        move(0, 'load', { size: 3 }),
        run(0, 'plain'),
        run(1, 'full'),
        { what: 'fault', run: 1, request: 1, fault: 'unsorted', size: 1, isLasting: true },
        run(2, 'plain'),
      ],
    },
  },
];

function setup(changes: Partial<Setup>): Setup {
  return {
    pageSize: 5,
    serverLimit: changes.pageSize ?? 5,
    concurrency: 3,
    overlapMs: 30_000,
    tieOrder: 'stable',
    total: 'exact',
    isDated: false,
    sources: 1,
    isShared: false,
    ...changes,
  };
}

function run(number: number, mode: RunDecision['mode']): Decision {
  return {
    what: 'run',
    run: number,
    source: 0,
    mode,
    allowRemovals: false,
    pauseMs: 10_000,
    reopen: false,
    getLies: false,
    lag: 0,
    serverSkewMs: 0,
    ownSkewMs: 0,
  };
}

/** Returns a move before the run. */
function move(
  number: number,
  kind: MoveDecision['move'],
  changes: Partial<Pick<MoveDecision, 'where' | 'size' | 'lagMs'>>,
): Decision {
  return { what: 'move', run: number, request: 0, move: kind, where: 0, size: 1, lagMs: 0, ...changes };
}
