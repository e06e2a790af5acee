import { createRandom, type Random } from '../../src/source/simulated/random.ts';
import {
  type Decision,
  type FaultDecision,
  FAULTS,
  type History,
  type MoveDecision,
  type MoveKind,
  type RunDecision,
  type Setup,
} from './decisions.ts';

const HOUR_MS = 3_600_000;
/** Requests and calls of one run at which something may happen. */
const REQUESTS = 24;
const CALLS = 60;
/** The shortest page that may have a row in the wrong place. */
const ROWS_TO_TELL = 5;

/** Creates the history of a seed, the same each time. */
export function createHistory(seed: number): History {
  const random = createRandom(seed);
  const setup = createSetup(random);
  const drawn = KINDS.filter(() => random.chance(0.6));
  // A shorter page has too few rows to show that one of them is in the wrong place.
  const isShort = Math.min(setup.pageSize, setup.serverLimit) < ROWS_TO_TELL;
  const temper: Temper = {
    kinds: isShort ? drawn.filter(({ move }) => move !== 'misplace') : drawn,
    turbulence: random.pick([0, 0.15, 0.4, 0.8]),
    faults: random.pick([0, 0, 0.04, 0.15]),
    deaths: random.pick([0, 0.3, 0.6]),
  };
  const runs = random.int(2, 5);
  const decisions: Decision[] = [];
  for (let load = random.int(0, 4); load > 0; load -= 1) {
    const size = random.int(1, random.chance(0.1) ? 30 : 12);
    const move = random.chance(0.25) ? 'burst' : 'load';
    decisions.push({ ...createMove(random, setup, KINDS), run: 0, request: 0, move, size });
  }
  for (let run = 0; run < runs; run += 1) decisions.push(...createRun(random, run, setup, temper));
  return { seed, setup, decisions };
}

function createSetup(random: Random): Setup {
  const pageSize = Math.min(random.int(3, 12), random.int(3, 12));
  return {
    pageSize,
    serverLimit: random.chance(0.25) ? random.int(3, pageSize) : pageSize,
    concurrency: random.int(1, 8),
    overlapMs: random.pick([0, 2_000, 30_000, 30_000]),
    tieOrder: random.pick(['stable', 'reversed', 'shuffled', 'shuffled']),
    total: random.pick(['exact', 'exact', 'exact', 'plus', 'late', 'none']),
    isDated: random.chance(0.5),
    ...keys(random.chance(0.15), random.int(0, 3)),
  };
}

/** Chooses the keys: most pairs of keys show the same tasks. */
function keys(areTwo: boolean, choice: number): Pick<Setup, 'sources' | 'isShared'> {
  return { sources: areTwo ? 2 : 1, isShared: areTwo && choice > 0 };
}

const MODES: readonly { mode: RunDecision['mode']; weight: number }[] = [
  { mode: 'plain', weight: 9 },
  { mode: 'full', weight: 8 },
  { mode: 'dry', weight: 1 },
  { mode: 'dry-full', weight: 1 },
];

interface Temper {
  /** The moves of this history. With only some kinds, what those alone cause comes more often. */
  kinds: readonly { move: MoveKind; weight: number }[];
  turbulence: number;
  faults: number;
  deaths: number;
}

function createRun(random: Random, run: number, setup: Setup, temper: Temper): Decision[] {
  const getLies = random.chance(0.35);
  const decisions: Decision[] = [
    {
      what: 'run',
      run,
      source: random.int(0, setup.sources - 1),
      mode: random.weighted(MODES).mode,
      allowRemovals: random.chance(0.3),
      pauseMs: random.pick([1_000, 10_000, 300_000]),
      reopen: random.chance(0.2),
      getLies,
      lag: random.chance(0.08) && !setup.isShared ? random.int(1, 12) : 0,
      ...createSkews(random, setup),
    },
  ];
  const between = random.int(0, 3);
  for (let i = 0; i < between; i += 1) {
    decisions.push({ ...createMove(random, setup, temper.kinds), run, request: 0 });
  }
  // The answer of GET matters for rows that the walk has not seen: those that rise past it.
  const kinds = getLies ? [...temper.kinds, { move: 'rise' as const, weight: 20 }] : temper.kinds;
  const turbulence = getLies ? Math.max(0.2, temper.turbulence) : temper.turbulence;
  for (let request = 1; request <= REQUESTS; request += 1) {
    if (random.chance(turbulence)) decisions.push({ ...createMove(random, setup, kinds), run, request });
    if (random.chance(temper.faults)) decisions.push(createFault(random, run, request));
  }
  return [...decisions, ...createDeaths(random, run, temper)];
}

/** Makes one of the clocks wrong now and then; no program could notice if both were. */
function createSkews(random: Random, { isDated }: Setup): Pick<RunDecision, 'serverSkewMs' | 'ownSkewMs'> {
  const skew = isDated && random.chance(0.15) ? random.pick([-HOUR_MS, -20_000, 20_000, HOUR_MS]) : 0;
  return random.chance(0.5) ? { serverSkewMs: skew, ownSkewMs: 0 } : { serverSkewMs: 0, ownSkewMs: skew };
}

function createFault(random: Random, run: number, request: number): FaultDecision {
  const fault = random.pick(FAULTS);
  return { what: 'fault', run, request, fault, size: random.int(1, 4), isLasting: random.chance(0.1) };
}

function createDeaths(random: Random, run: number, { deaths }: Temper): Decision[] {
  if (!random.chance(deaths)) return [];
  // The beginning of a run has few calls, and much that may go wrong.
  const call = random.int(1, random.chance(0.5) ? 15 : CALLS);
  switch (random.int(1, 5)) {
    case 1:
      return [{ what: 'usurp', run, call, until: random.int(2, CALLS), full: random.chance(0.4) }];
    case 2:
      return [{ what: 'rival', run, call }];
    default:
      return [{ what: 'crash', run, call, after: random.chance(0.5) }];
  }
}

const KINDS: readonly { move: MoveKind; weight: number }[] = [
  { move: 'new', weight: 5 },
  { move: 'burst', weight: 2 },
  { move: 'rise', weight: 7 },
  { move: 'edit', weight: 4 },
  { move: 'sink', weight: 3 },
  { move: 'vanish', weight: 4 },
  { move: 'return', weight: 2 },
  { move: 'late', weight: 4 },
  { move: 'future', weight: 0.7 },
  { move: 'spoil', weight: 1 },
  { move: 'cure', weight: 1 },
  { move: 'misplace', weight: 0.8 },
  { move: 'wait', weight: 1 },
];

function createMove(random: Random, { pageSize, overlapMs }: Setup, kinds: Temper['kinds']): MoveDecision {
  const { move } = kinds.length === 0 ? { move: 'wait' as const } : random.weighted(kinds);
  const isMany = move === 'burst' || (move === 'vanish' && random.chance(0.3));
  return {
    what: 'move',
    run: 0,
    request: 0,
    move,
    where: random.next(),
    size: random.int(1, isMany ? 2 * pageSize : 2),
    lagMs: random.pick([
      0,
      1_000,
      random.int(0, overlapMs),
      random.int(0, overlapMs),
      2 * overlapMs + 60_000,
      random.int(0, 900_000),
    ]),
  };
}
