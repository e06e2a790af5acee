import type { ListRow } from '../source.ts';
import { SENT_FIELDS, type SentField } from '../../model/fields.ts';
import {
  activityOf,
  type OmittableField,
  type RejectedRow,
  type Task,
  type TaskDetail,
} from '../../model/task.ts';
import { isJsonObject, without, type JsonObject } from './json.ts';
import { ID, type Kind, KINDS, OMITTED, orNull, TIME } from './kinds.ts';
import { oneLine } from './text.ts';

/** Turns a row of the API into a task, or says what is wrong with it. Never throws. */
export interface RowParser {
  list(row: unknown): ListRow;
  detail(row: unknown): TaskDetail | { rejected: RejectedRow };
}

const MAX_VALUE_SHOWN = 60;

/** A field of the API's rows with what it may hold; one that must not be kept is not looked at, and comes out as null. */
interface Checked {
  name: SentField['name'];
  kind: Kind<unknown>;
}

/** A parser that keeps the fields named by `omit` out of tasks and of rejected rows alike. */
export function createRowParser(omit: ReadonlySet<OmittableField>): RowParser {
  const omitted: ReadonlySet<string> = omit;
  const known: ReadonlySet<string> = new Set(SENT_FIELDS.map(({ name }) => name));
  const kindOf = (field: SentField): Kind<unknown> => {
    if (omitted.has(field.name)) return OMITTED;
    return 'optional' in field ? orNull<unknown>(KINDS[field.kind]) : KINDS[field.kind];
  };
  const checked = SENT_FIELDS.map((field) => ({
    name: field.name,
    kind: kindOf(field),
    isListOnly: 'listOnly' in field,
  }));
  const listed: readonly Checked[] = checked;
  const detailed: readonly Checked[] = checked.filter(({ isListOnly }) => !isListOnly);

  const [listShape, detailShape] = [shapeOf(listed), shapeOf(detailed)];

  const detailOf = (row: JsonObject): TaskDetail => valuesOf(row, detailShape) as TaskDetail;
  const taskOf = (row: JsonObject): Task => {
    const task = valuesOf(row, listShape) as Task;
    task.extra = extraOf(row);
    return task;
  };
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
      const task = taskOrRejection(row, { fields: listed, payloadOf: listPayload, taskOf });
      return 'rejected' in task
        ? { rejected: task.rejected, activity: activityIn(row) }
        : { task, activity: activityOf(task) };
    },
    detail: (row) => taskOrRejection(row, { fields: detailed, payloadOf: detailPayload, taskOf: detailOf }),
  };
}

/** Stops the reading of a row at its first flaw; {@link explain} then names all of them. */
class FlawError extends Error {}

interface Shape {
  fields: readonly Checked[];
  /** An object with all of their names: V8 gives one that is filled by computed names slow properties, its copies quick ones. */
  blank: Readonly<Record<string, null>>;
}

function shapeOf(fields: readonly Checked[]): Shape {
  const names = fields.map(({ name }) => `${JSON.stringify(name)}:null`);
  return { fields, blank: JSON.parse(`{${names.join(',')}}`) as Shape['blank'] };
}

/** The values of a row by their names: each of its field's type, since {@link KINDS} reads what that says. */
function valuesOf(row: JsonObject, { fields, blank }: Shape): object {
  const values: Record<string, unknown> = { ...blank };
  for (const { name, kind } of fields) {
    const value = kind.read(row[name]);
    if (value === undefined) throw new FlawError();
    values[name] = value;
  }
  return values;
}

function taskOrRejection<T extends object>(
  row: unknown,
  how: { fields: readonly Checked[]; payloadOf: (row: unknown) => unknown; taskOf: (row: JsonObject) => T },
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
      return reject(explain(row, how.fields));
    }
  } catch (error) {
    // JSON.parse follows any depth; JSON.stringify gives up a few thousand levels down.
    if (!(error instanceof RangeError)) throw error;
    const id = idIn(row);
    return { rejected: { id, payload: JSON.stringify({ id }), reason: 'row: expected less nesting' } };
  }
}

/** Path, expectation and value of every flaw, on one line. */
function explain(row: JsonObject, fields: readonly Checked[]): string {
  return fields
    .filter(({ name, kind }) => kind.read(row[name]) === undefined)
    .map(({ name, kind }) => {
      const value = row[name];
      const shown = value === undefined ? 'nothing' : oneLine(JSON.stringify(value), MAX_VALUE_SHOWN);
      return `${name}: ${kind.expected(value)}, got ${shown}`;
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
