import type { TieOrder } from './world.ts';

/** Moves that the list may make between two requests. */
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

/** Faults that one answer may have. */
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
 * One decision of a history. A decision about a run names the run, and the request (the 1st, the 2nd, ...; 0:
 * before the run) or the call of the source or the store at which it comes; if that place is never reached,
 * it does nothing. No decision depends on another, so a history can be replayed without some of them.
 */
export type Decision =
  | RunDecision
  | MoveDecision
  | FaultDecision
  /** The process dies before this call, or after it was done. */
  | { what: 'crash'; run: number; call: number; after: boolean }
  /** Another process asks for the lease while this one lives. */
  | { what: 'rival'; run: number; call: number }
  /** This process is frozen until another has taken its lease over and reached its own call `until`. */
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
  /** Close the file and open it again before. */
  reopen: boolean;
  /** During this run GET answers 404 for every task. */
  getLies: boolean;
  /** During this run every answer is that of a replica that lacks this many of the list's last changes. */
  lag: number;
  /** Error of the clocks of the server and of the program, in ms. */
  serverSkewMs: number;
  ownSkewMs: number;
}

export interface FaultDecision {
  what: 'fault';
  run: number;
  request: number;
  fault: FaultKind;
  /** Rows or requests, if the fault needs a number. */
  size: number;
  /** All later answers of the run have it as well. */
  isLasting: boolean;
}

export interface MoveDecision {
  what: 'move';
  run: number;
  request: number;
  move: MoveKind;
  /** The row, as its share of the list, 0 to 1. */
  where: number;
  /** How many rows. */
  size: number;
  /** How far back in time, in ms, if the move needs that. */
  lagMs: number;
}

export interface Setup {
  /** Rows asked for with one request, and most rows that the server gives. */
  pageSize: number;
  serverLimit: number;
  concurrency: number;
  overlapMs: number;
  tieOrder: TieOrder;
  /** The API's total. `plus`: more than is visible. `late`: its value one request ago. */
  total: 'exact' | 'plus' | 'late' | 'none';
  /** Whether answers carry the server's clock, in whole seconds. */
  isDated: boolean;
  sources: number;
  /** All sources list the same tasks, except those hidden from one of them. */
  isShared: boolean;
}

export interface History {
  seed: number;
  setup: Setup;
  decisions: Decision[];
}
