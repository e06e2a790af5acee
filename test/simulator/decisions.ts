import type { TieOrder } from './world.ts';

/** What may happen to the list between two requests. */
export const MOVES = [
  'load',
  'new',
  'burst',
  'rise',
  'edit',
  'sink',
  'vanish',
  'return',
  'late',
  'future',
  'spoil',
  'cure',
  'misplace',
  'wait',
] as const;
export type MoveKind = (typeof MOVES)[number];

/** What may be wrong with one answer. */
export const FAULTS = [
  'refused',
  'failed',
  'abort',
  'empty',
  'clamped',
  'stale',
  'lagging',
  'early',
  'unsorted',
] as const;
export type FaultKind = (typeof FAULTS)[number];

/**
 * One decision of a history. Those of a run name it, and the request (the 1st, the 2nd, ...; 0: before the run) or the
 * call of the source or the store at which they come; one whose place is never reached does nothing. None depends on
 * another, so that a history can be replayed without some of them.
 */
export type Decision =
  | RunDecision
  | MoveDecision
  | FaultDecision
  /** The process dies before this call, or after it was done. */
  | { what: 'crash'; run: number; call: number; after: boolean }
  /** Another process asks for the lease while this one lives. */
  | { what: 'rival'; run: number; call: number }
  /** This process is frozen until another has taken its lease over and come to its own call `until`. */
  | { what: 'usurp'; run: number; call: number; until: number; full: boolean };

export interface RunDecision {
  what: 'run';
  run: number;
  /** Index of the source. */
  source: number;
  mode: 'plain' | 'full' | 'dry' | 'dry-full';
  allowRemovals: boolean;
  /** Time since the last run, in ms. */
  pauseMs: number;
  /** Close the file and open it anew before. */
  reopen: boolean;
  /** During this run GET says 404 of every task. */
  getLies: boolean;
  /** During this run every answer is that of a replica which lacks the last so many changes of the list. */
  lag: number;
  /** How far the clocks of the server and of the program are off, in ms. */
  serverSkewMs: number;
  ownSkewMs: number;
}

export interface FaultDecision {
  what: 'fault';
  run: number;
  request: number;
  fault: FaultKind;
  /** Rows or requests, where the fault needs a number. */
  size: number;
  /** All later answers of the run have it as well. */
  isLasting: boolean;
}

export interface MoveDecision {
  what: 'move';
  run: number;
  request: number;
  move: MoveKind;
  /** Which row: its share of the list, 0 to 1. */
  where: number;
  /** How many rows. */
  size: number;
  /** How far back in time, in ms, where the move needs that. */
  lagMs: number;
}

export interface Setup {
  /** Rows asked for with one request, and rows that the server gives at most. */
  pageSize: number;
  serverLimit: number;
  concurrency: number;
  overlapMs: number;
  tieOrder: TieOrder;
  /** What the API's total says. `plus`: more than there is to see. `late`: as it was a request ago. */
  total: 'exact' | 'plus' | 'late' | 'none';
  /** Whether answers carry the server's clock, in whole seconds. */
  isDated: boolean;
  sources: number;
  /** All sources list the same tasks, but those that are hidden from one of them. */
  isShared: boolean;
}

export interface History {
  seed: number;
  setup: Setup;
  decisions: Decision[];
}
