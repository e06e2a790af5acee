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

/** What a field may hold. Not a schema of zod's: on every row of every page that took twice as long as parsing the JSON. */
interface Kind<T> {
  /** The value as a task has it; undefined: it is not of this kind. */
  read(value: unknown): T | undefined;
  /** What a value that is not of this kind should have been. */
  expected(value: unknown): string;
}

const TEXT: Kind<string> = {
  // UTF-8, and so SQLite, cannot hold lone surrogates.
  read: (value) => (typeof value === 'string' && value.isWellFormed() ? value : undefined),
  expected: (value) =>
    typeof value === 'string' ? 'expected Unicode text, without lone surrogates' : 'expected text',
};
const SOME_TEXT: Kind<string> = {
  read: (value) => (value === '' ? undefined : TEXT.read(value)),
  expected: (value) => (value === '' ? 'expected text that is not empty' : TEXT.expected(value)),
};
const ID: Kind<string> = {
  read: (value) => {
    const text = SOME_TEXT.read(value);
    return text === undefined || text.length > MAX_ID_LENGTH || isPathStep(text) ? undefined : text;
  },
  expected: (value) => {
    const text = SOME_TEXT.read(value);
    if (text === undefined) return SOME_TEXT.expected(value);
    return isPathStep(text)
      ? 'expected an id that can stand in a URL'
      : `expected at most ${MAX_ID_LENGTH} characters`;
  },
};
const TIME: Kind<string> = {
  read: (value) => (typeof value === 'string' ? (utcTextFrom(value) ?? undefined) : undefined),
  expected: () => 'expected an ISO 8601 time with Z or an offset, in the years 0001 to 9999',
};
const FLAG: Kind<boolean> = {
  read: (value) => (typeof value === 'boolean' ? value : undefined),
  expected: () => 'expected true or false',
};
const OBJECT: Kind<string> = {
  read: (value) => (isJsonObject(value) ? JSON.stringify(value) : undefined),
  expected: () => 'expected an object or null',
};
const COUNT: Kind<number> = {
  read: (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined,
  expected: (value) => (Number.isSafeInteger(value) ? 'expected 0 or more' : 'expected a whole number'),
};
/** A field that is not kept is not looked at. */
const OMITTED: Kind<null> = { read: () => null, expected: () => '' };

const orNull = <T>(kind: Kind<T>): Kind<T | null> => ({
  read: (value) => (value === undefined || value === null ? null : kind.read(value)),
  expected: (value) => kind.expected(value),
});

/** Every field of {@link Task} but `extra`; the fields that `omit` names come out as null. */
function taskKinds(omit: ReadonlySet<OmittableField>) {
  const unless = <T>(field: OmittableField, kind: Kind<T>): Kind<T | null> =>
    omit.has(field) ? OMITTED : kind;
  return {
    id: ID,
    apiKeyId: unless('apiKeyId', TEXT),
    username: unless('username', TEXT),
    sessionId: unless('sessionId', TEXT),
    conversationId: unless('conversationId', TEXT),
    status: SOME_TEXT,
    message: unless('message', TEXT),
    systemPrompt: unless('systemPrompt', orNull(TEXT)),
    showInHistory: FLAG,
    autoExecute: FLAG,
    env: unless('env', orNull(OBJECT)),
    error: unless('error', orNull(TEXT)),
    createdAt: TIME,
    startedAt: orNull(TIME),
    completedAt: orNull(TIME),
    lastActivityAt: TIME,
    messageCount: COUNT,
  };
}

type Kinds = Readonly<Record<string, Kind<unknown>>>;

/** A parser that keeps the fields named by `omit` out of tasks and of rejected rows alike. */
export function createRowParser(omit: ReadonlySet<OmittableField>): RowParser {
  const listKinds = taskKinds(omit);
  const { lastActivityAt: _activity, messageCount: _count, ...detailKinds } = listKinds;
  const known = new Set(Object.keys(listKinds));
  const omitted: ReadonlySet<string> = omit;

  const detailOf = (row: JsonObject): TaskDetail => ({
    id: read(row, 'id', listKinds.id),
    apiKeyId: read(row, 'apiKeyId', listKinds.apiKeyId),
    username: read(row, 'username', listKinds.username),
    sessionId: read(row, 'sessionId', listKinds.sessionId),
    conversationId: read(row, 'conversationId', listKinds.conversationId),
    status: read(row, 'status', listKinds.status),
    message: read(row, 'message', listKinds.message),
    systemPrompt: read(row, 'systemPrompt', listKinds.systemPrompt),
    showInHistory: read(row, 'showInHistory', listKinds.showInHistory),
    autoExecute: read(row, 'autoExecute', listKinds.autoExecute),
    env: read(row, 'env', listKinds.env),
    error: read(row, 'error', listKinds.error),
    createdAt: read(row, 'createdAt', listKinds.createdAt),
    startedAt: read(row, 'startedAt', listKinds.startedAt),
    completedAt: read(row, 'completedAt', listKinds.completedAt),
  });
  const taskOf = (row: JsonObject): Task => ({
    ...detailOf(row),
    lastActivityAt: read(row, 'lastActivityAt', listKinds.lastActivityAt),
    messageCount: read(row, 'messageCount', listKinds.messageCount),
    extra: extraOf(row),
  });
  const extraOf = (row: JsonObject): string | null => {
    if (omitted.has('extra') || Object.keys(row).every((key) => known.has(key))) return null;
    return JSON.stringify(without(row, (key) => known.has(key)));
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
      const task = taskOrRejection(row, { kinds: listKinds, payloadOf: listPayload, taskOf });
      return 'rejected' in task
        ? { rejected: task.rejected, activity: activityIn(row) }
        : { task, activity: activityOf(task) };
    },
    detail: (row) => taskOrRejection(row, { kinds: detailKinds, payloadOf: detailPayload, taskOf: detailOf }),
  };
}

/** Ends the reading of a row at its first flaw; {@link explain} then names them all. */
class FlawError extends Error {}

function read<T>(row: JsonObject, field: string, kind: Kind<T>): T {
  const value = kind.read(row[field]);
  if (value === undefined) throw new FlawError();
  return value;
}

function taskOrRejection<T extends object>(
  row: unknown,
  how: { kinds: Kinds; payloadOf: (row: unknown) => unknown; taskOf: (row: JsonObject) => T },
): T | { rejected: RejectedRow } {
  const reject = (reason: string) => ({
    rejected: { id: idIn(row), payload: JSON.stringify(how.payloadOf(row)), reason },
  });
  try {
    if (!isJsonObject(row)) return reject('row: expected an object');
    try {
      return how.taskOf(row);
    } catch (error) {
      if (!(error instanceof FlawError)) throw error;
      return reject(explain(row, how.kinds));
    }
  } catch (error) {
    // JSON.parse follows any depth; JSON.stringify gives up some thousand levels down.
    if (!(error instanceof RangeError)) throw error;
    const id = idIn(row);
    return { rejected: { id, payload: JSON.stringify({ id }), reason: 'row: expected less nesting' } };
  }
}

/** Path, expectation and value of every flaw, on one line. */
function explain(row: JsonObject, kinds: Kinds): string {
  return Object.entries(kinds)
    .filter(([field, kind]) => kind.read(row[field]) === undefined)
    .map(([field, kind]) => {
      const value = row[field];
      const shown = value === undefined ? 'nothing' : oneLine(JSON.stringify(value), MAX_VALUE_SHOWN);
      return `${field}: ${kind.expected(value)}, got ${shown}`;
    })
    .join('; ');
}

function idIn(row: unknown): string | null {
  return (isJsonObject(row) ? ID.read(row['id']) : null) ?? null;
}

function activityIn(row: unknown): number | null {
  const time = isJsonObject(row) ? TIME.read(row['lastActivityAt']) : undefined;
  return time === undefined ? null : Date.parse(time);
}

/** As a step of a URL's path they would vanish: GET would ask for something else. */
function isPathStep(id: string): boolean {
  return id === '.' || id === '..';
}
