import { createHash } from 'node:crypto';
import { DIGEST_EVENT, TEST_EVENT } from '../model/hook-events.ts';
import { utcText } from '../model/task.ts';
import type { Cell } from '../store/queryable.ts';
import type { TaskEvent } from './events.ts';
import { fitted } from './fit.ts';
import type { RunEvent } from './run-events.ts';

/** A value of JSON. */
export type Json = null | string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

/** What a hook is told: the body of a request, or the stdin of a command. */
export interface HookBody {
  type: string;
  /** UTC text: when it happened. */
  timestamp: string;
  data: { readonly [name: string]: Json };
}

/** An event on its way to a hook. */
export interface HookMessage {
  /** The same whenever the event is sent. */
  id: string;
  body: HookBody;
  /** The body as JSON text. */
  text: string;
}

/** What a digest says instead of its events. */
export interface DigestOf {
  since: number;
  through: number;
  at: string;
  events: number;
  counts: Readonly<Record<string, number>>;
  sources: Readonly<Record<string, number>>;
}

/** Returns the message of an event of a task. */
export function taskMessage(hook: string, event: TaskEvent): HookMessage {
  const { change, seq, type } = event;
  const data = {
    seq,
    source: change.source,
    task: rowOf(change.task),
    changes: event.changes.map((line) => ({
      field: line.field,
      old_value: line.oldValue,
      new_value: line.newValue,
      observed_at: line.observedAt,
    })),
    ...(event.errorGroup === null ? {} : { error_group: event.errorGroup }),
  };
  return messageOf(idOf(hook, type, seq, change.taskId), { type, timestamp: event.at, data });
}

/** Returns the message of an event of a source. */
export function runMessage(hook: string, { type, at, run }: RunEvent): HookMessage {
  const { id, source, kind, startedAt, finishedAt, outcome, error } = run;
  const data = {
    ...NO_TASK,
    source,
    run: { id, kind, started_at: startedAt, finished_at: finishedAt, outcome, error },
  };
  return messageOf(idOf(hook, type, id, source), { type, timestamp: at, data });
}

/** Returns the message that stands for more events than a hook is told one by one. */
export function digestMessage(hook: string, { through, at, ...counted }: DigestOf): HookMessage {
  const data = { ...NO_TASK, seq: through, ...counted };
  return messageOf(idOf(hook, DIGEST_EVENT, through, ''), { type: DIGEST_EVENT, timestamp: at, data });
}

/** Returns a message that only tests the way to a hook; `now` in ms. */
export function testMessage(hook: string, now: number): HookMessage {
  const data = { ...NO_TASK, hook, message: `A test of the hook "${hook}": nothing has happened.` };
  const body = { type: TEST_EVENT, timestamp: utcText(now), data };
  return messageOf(idOf(hook, TEST_EVENT, now, ''), body);
}

const NO_TASK = { seq: null, source: null, task: null, changes: [] } as const;

function messageOf(id: string, body: HookBody): HookMessage {
  const fitting = fitted(body);
  return { id, body: fitting, text: JSON.stringify(fitting) };
}

/** Whoever gets an event twice recognizes it by its id. */
function idOf(hook: string, type: string, number: number, subject: string): string {
  const digest = createHash('sha256').update(JSON.stringify([hook, type, number, subject]));
  return `msg_${digest.digest('base64url').slice(0, 27)}`;
}

function rowOf(row: Readonly<Record<string, Cell>>): Json {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, jsonOf(value)]));
}

function jsonOf(value: Cell): Json {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}
