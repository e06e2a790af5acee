import type { ListRow } from '../source.ts';
import type { RejectedRow } from '../../model/task.ts';
import { activityOf, type OmittableField, type Task, type TaskDetail } from '../../model/task.ts';
import { isJsonObject, without, type JsonObject } from './json.ts';
import { COUNT, FLAG, ID, type Kind, OBJECT, OMITTED, orNull, SOME_TEXT, TEXT, TIME } from './kinds.ts';
import { oneLine } from './text.ts';

/** Turns a row of the API into a task, or says what is wrong with it. Never throws. */
export interface RowParser {
  list(row: unknown): ListRow;
  detail(row: unknown): TaskDetail | { rejected: RejectedRow };
}

const MAX_VALUE_SHOWN = 60;

/**
 * Returns the kind of each field of {@link Task} except `extra`; fields that `omit` names are read as null.
 */
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

/** Creates a parser that keeps the fields named by `omit` out of tasks and of rejected rows alike. */
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
    // A row that is not even an object has no fields to leave out, and may hold anything.
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

/** Stops the reading of a row at its first flaw; {@link explain} then names all of them. */
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
    // JSON.parse follows any depth; JSON.stringify gives up a few thousand levels down.
    if (!(error instanceof RangeError)) throw error;
    const id = idIn(row);
    return { rejected: { id, payload: JSON.stringify({ id }), reason: 'row: expected less nesting' } };
  }
}

/** Returns path, expectation and value of every flaw, on one line. */
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
