import * as z from 'zod';

import type { ListRow, RejectedRow } from '../ports.ts';
import { activityOf, type OmittableField, type Task, type TaskDetail } from '../sync/task.ts';
import { isJsonObject, without, type JsonObject } from './json.ts';
import { oneLine } from './text.ts';
import { utcTextFrom } from './time.ts';

/** Turns a row of the API into a task, or says what is wrong with it. Never throws. */
export interface RowParser {
  list(row: unknown): ListRow;
  detail(row: unknown): TaskDetail | { rejected: RejectedRow };
}

const MAX_ID_LENGTH = 1000;
const MAX_VALUE_SHOWN = 60;

const TEXT = z
  .string({ error: 'expected text' })
  // UTF-8, and so SQLite, cannot hold them.
  .refine((text) => text.isWellFormed(), { error: 'expected Unicode text, without lone surrogates' });
const ID = TEXT.min(1, { error: 'expected text that is not empty' })
  .max(MAX_ID_LENGTH, { error: `expected at most ${MAX_ID_LENGTH} characters` })
  // As a step of a URL's path they would vanish: GET would ask for something else.
  .refine((id) => id !== '.' && id !== '..', { error: 'expected an id that can stand in a URL' });
const EXPECTED_TIME = 'expected an ISO 8601 time with Z or an offset, in the years 0001 to 9999';
const TIME = z.string({ error: EXPECTED_TIME }).transform((text, context) => {
  const time = utcTextFrom(text);
  if (time !== null) return time;
  context.addIssue(EXPECTED_TIME);
  return z.NEVER;
});
const FLAG = z.boolean({ error: 'expected true or false' });
const OBJECT = z
  .custom<JsonObject>(isJsonObject, { error: 'expected an object or null' })
  .transform((object) => JSON.stringify(object));
const COUNT = z.int({ error: 'expected a whole number' }).min(0, { error: 'expected 0 or more' });
/** A field that is not kept is not looked at. */
const OMITTED = z
  .unknown()
  .optional()
  .transform(() => null);

/** Every field of {@link Task} but `extra`; the fields that `omit` names come out as null. */
function taskSchema(omit: ReadonlySet<OmittableField>) {
  const unless = <T>(field: OmittableField, kept: T) => (omit.has(field) ? OMITTED : kept);
  return z.object({
    id: ID,
    apiKeyId: unless('apiKeyId', TEXT),
    username: unless('username', TEXT),
    sessionId: unless('sessionId', TEXT),
    conversationId: unless('conversationId', TEXT),
    status: TEXT.min(1, { error: 'expected text that is not empty' }),
    message: unless('message', TEXT),
    systemPrompt: unless('systemPrompt', TEXT.nullable().default(null)),
    showInHistory: FLAG,
    autoExecute: FLAG,
    env: unless('env', OBJECT.nullable().default(null)),
    error: unless('error', TEXT.nullable().default(null)),
    createdAt: TIME,
    startedAt: TIME.nullable().default(null),
    completedAt: TIME.nullable().default(null),
    lastActivityAt: TIME,
    messageCount: COUNT,
  });
}

/** A parser that keeps the fields named by `omit` out of tasks and of rejected rows alike. */
export function createRowParser(omit: ReadonlySet<OmittableField>): RowParser {
  const listSchema = taskSchema(omit);
  const detailSchema = listSchema.omit({ lastActivityAt: true, messageCount: true });
  const known = new Set(Object.keys(listSchema.shape));
  const omitted: ReadonlySet<string> = omit;

  const extraOf = (row: JsonObject): string | null => {
    if (omitted.has('extra')) return null;
    const extra = without(row, (key) => known.has(key));
    return Object.keys(extra).length === 0 ? null : JSON.stringify(extra);
  };
  const listPayload = (row: unknown): unknown => {
    if (isJsonObject(row)) return without(row, (key) => omitted.has(known.has(key) ? key : 'extra'));
    // What is not even an object has no fields to leave out: it may hold anything.
    return omit.size === 0 ? row : null;
  };
  const detailPayload = (row: unknown): unknown =>
    isJsonObject(row) ? without(row, (key) => !known.has(key) || omitted.has(key)) : null;

  return {
    list(row) {
      const task = taskOrRejection<Task>(row, listPayload, (object) => {
        const { error, data } = listSchema.safeParse(object);
        return error ?? { ...data, extra: extraOf(object) };
      });
      return 'rejected' in task
        ? { rejected: task.rejected, activity: activityIn(row) }
        : { task, activity: activityOf(task) };
    },
    detail: (row) =>
      taskOrRejection<TaskDetail>(row, detailPayload, (object) => {
        const { error, data } = detailSchema.safeParse(object);
        return error ?? data;
      }),
  };
}

function taskOrRejection<T extends object>(
  row: unknown,
  payloadOf: (row: unknown) => unknown,
  parse: (row: JsonObject) => T | z.ZodError,
): T | { rejected: RejectedRow } {
  const reject = (reason: string) => ({
    rejected: { id: idIn(row), payload: JSON.stringify(payloadOf(row)), reason },
  });
  try {
    if (!isJsonObject(row)) return reject('row: expected an object');
    const parsed = parse(row);
    if (!(parsed instanceof z.ZodError)) return parsed;
    return reject(parsed.issues.map((issue) => explain(row, issue)).join('; '));
  } catch (error) {
    // JSON.parse follows any depth; JSON.stringify gives up some thousand levels down.
    if (!(error instanceof RangeError)) throw error;
    const id = idIn(row);
    return { rejected: { id, payload: JSON.stringify({ id }), reason: 'row: expected less nesting' } };
  }
}

/** Path, expectation and value, on one line. */
function explain(row: JsonObject, issue: z.core.$ZodIssue): string {
  const field = String(issue.path[0]);
  const value = row[field];
  const shown = value === undefined ? 'nothing' : oneLine(JSON.stringify(value), MAX_VALUE_SHOWN);
  return `${field}: ${issue.message}, got ${shown}`;
}

function idIn(row: unknown): string | null {
  return (isJsonObject(row) ? ID.safeParse(row['id']).data : null) ?? null;
}

function activityIn(row: unknown): number | null {
  const time = isJsonObject(row) ? TIME.safeParse(row['lastActivityAt']).data : undefined;
  return time === undefined ? null : Date.parse(time);
}
