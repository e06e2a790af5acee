import { ago, counted, grouped, printable, wrapped } from '../text.ts';

const WIDTH = 80;
const LABEL = 18;

/** A hook as `hooks --json` and `status --json` print it: a contract that only ever gains fields. */
export interface ListedHook {
  name: string;
  /** False: only the mirror knows it, and nothing is delivered to it. */
  inSettings: boolean;
  /** Where its events go: the address, cut where a secret may begin, or the program; null if unknown. */
  target: string | null;
  format: string | null;
  events: readonly string[];
  /** Only events of these sources; all if empty. */
  sources: readonly string[];
  /** `new`: it begins with the next run. */
  state: 'new' | 'ok' | 'failing';
  /** The last change that it has been told of, or that it need not be told of. */
  seq: number | null;
  /** How many changes the mirror has after that. */
  lag: number | null;
  /** Attempts in a row that failed. */
  attempts: number;
  failingSince: string | null;
  nextAttemptAt: string | null;
  lastError: string | null;
  lastDeliveryAt: string | null;
  /** Since the hook began: events delivered, attempts that failed, events given up. */
  delivered: number;
  failed: number;
  setAside: number;
}

/** Writes hooks for people, in 80 columns; `now` in ms. */
export function hooksText(hooks: readonly ListedHook[], now: number): string {
  if (hooks.length === 0) return 'No hook is set.\n';
  return hooks.map((hook) => hookText(hook, now)).join('\n');
}

/** Writes the part of a status about hooks: a line for each. */
export function hookLines(hooks: readonly ListedHook[], now: number): string[] {
  return hooks.map((hook) => `  ${printable(hook.name).padEnd(LABEL)}${stateText(hook, now)}\n`);
}

function hookText(hook: ListedHook, now: number): string {
  const lines: [string, string][] = [
    ['state', stateText(hook, now)],
    ['events', hook.events.join(', ')],
    ...(hook.sources.length === 0 ? [] : [['sources', hook.sources.join(', ')] as [string, string]]),
    ['last delivery', timeText(hook.lastDeliveryAt, now)],
    ['delivered', `${counted(hook.delivered, 'event')}${asideText(hook)}`],
    ...(hook.lastError === null ? [] : [['last error', hook.lastError] as [string, string]]),
  ];
  const head = [printable(hook.name), printable(hook.target ?? 'not in the settings: nothing is delivered')];
  const body = lines
    .filter(([, text]) => text !== '')
    .flatMap(([label, text]) =>
      wrapped(printable(text), WIDTH - LABEL - 2).map(
        (line, index) => `  ${(index === 0 ? label : '').padEnd(LABEL)}${line}\n`,
      ),
    );
  return `${head.join('  ')}\n${body.join('')}`;
}

function stateText({ state, seq, lag, attempts, nextAttemptAt }: ListedHook, now: number): string {
  if (state === 'new') return 'new: it begins with the next run';
  const place = `at change ${grouped(seq ?? 0)}${lag === 0 ? '' : `, ${counted(lag ?? 0, 'change')} behind`}`;
  if (state === 'ok') return `ok, ${place}`;
  const due = nextAttemptAt === null ? 0 : Math.ceil((Date.parse(nextAttemptAt) - now) / 1_000);
  const next = due > 0 ? `, next attempt in ${grouped(due)} s` : '';
  return `failing, ${counted(attempts, 'attempt')}${next}; ${place}`;
}

function asideText({ setAside }: ListedHook): string {
  return setAside === 0 ? '' : `; ${counted(setAside, 'event')} given up (see: select * from hook_failures)`;
}

function timeText(text: string | null, now: number): string {
  return text === null ? 'never' : `${text} (${ago(text, now)})`;
}
