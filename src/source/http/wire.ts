import type { ListPage, ListRow } from '../source.ts';
import type { RejectedRow } from '../../model/task.ts';
import type { OmittableField, TaskDetail } from '../../model/task.ts';
import { BadBodyError } from './attempt.ts';
import { isJsonObject, type JsonObject, mayLoseDigits, mayLoseNumbers, parseJson } from './json.ts';
import { COUNT } from './kinds.ts';
import { createRowParser } from './row.ts';
import { oneLine, type Mask } from './text.ts';

/** Reads the bodies of good answers. Throws BadBodyError if the envelope around the rows is wrong. */
export interface BodyParser {
  /** Reads an answer of the list. A row that does not validate is returned as rejected, in its place. */
  list(text: string): Omit<ListPage, 'servedAt'>;
  /** Reads the answer to GET of one task. */
  detail(text: string): TaskDetail | { rejected: RejectedRow };
}

const MAX_MESSAGE_SHOWN = 300;
const MAX_CODE_SHOWN = 60;

/** Creates a body parser. `omit` names the fields that it reads as null. */
export function createBodyParser(omit: ReadonlySet<OmittableField>): BodyParser {
  const rows = createRowParser(omit);
  const pageIn = (body: JsonObject): Omit<ListPage, 'servedAt'> => {
    const { success, data, pagination } = body;
    const { total, hasMore } = isJsonObject(pagination) ? pagination : {};
    if (success === true && Array.isArray(data) && typeof hasMore === 'boolean') {
      return { rows: data.map((row) => rows.list(row)), total: COUNT.read(total) ?? null, hasMore };
    }
    throw badBody({
      'success: expected true': success === true,
      'data: expected an array': Array.isArray(data),
      'pagination: expected an object': isJsonObject(pagination),
      'pagination.hasMore: expected true or false': !isJsonObject(pagination) || typeof hasMore === 'boolean',
    });
  };
  return {
    list(text) {
      const quick = pageIn(objectIn(text, JSON.parse));
      const page = mayLackNumbers(quick, text) ? pageIn(objectIn(text, parseJson)) : quick;
      return { ...page, rows: withoutTwins(page.rows) };
    },
    detail(text) {
      const { success, data } = objectIn(text, parseJson);
      if (success === true && isJsonObject(data)) return rows.detail(data);
      throw badBody({
        'success: expected true': success === true,
        'data: expected an object': isJsonObject(data),
      });
    },
  };
}

/**
 * Returns what the API says in an error's body, short and on one line, with the secret masked before anything
 * is cut; null if the body is not the API's own.
 */
export function parseErrorBody(text: string, mask: Mask): { message: string; code: string } | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  const { success, error } = isJsonObject(body) ? body : {};
  if (success === true || !isJsonObject(error)) return null;
  const part = (value: unknown, max: number) => (typeof value === 'string' ? oneLine(mask(value), max) : '');
  return { message: part(error['message'], MAX_MESSAGE_SHOWN), code: part(error['code'], MAX_CODE_SHOWN) };
}

const NUMBER_OR_NULL = /[:,[](?:[-\d]|null)/;
/** How JSON.stringify writes a number that JSON.parse may have read as zero or as infinite. */
const ODD_NUMBER = /[:,[](?:null|0[,}\]]|-?[\d.]+e)/;

/**
 * Returns whether the page, as JSON.parse read it, may hold a number that differs from the one sent. The
 * parsed numbers show whether the text has to be searched at all: that takes up to a quarter of the time of
 * parsing.
 */
function mayLackNumbers({ rows }: Pick<ListPage, 'rows'>, text: string): boolean {
  let hasNumbers = false;
  for (const { task } of rows) {
    if (task === undefined) return mayLoseNumbers(text);
    for (const json of [task.env, task.extra]) {
      if (json === null || !NUMBER_OR_NULL.test(json)) continue;
      if (ODD_NUMBER.test(json)) return mayLoseNumbers(text);
      hasNumbers = true;
    }
  }
  return hasNumbers && mayLoseDigits(text);
}

/**
 * Returns the rows with each task in one version: if a page shows a task twice, the upper row, which is
 * newer, counts for both places. Otherwise each run would write one version over the other, and journal
 * changes that nobody made.
 */
function withoutTwins(rows: ListRow[]): ListRow[] {
  const firsts = new Map<string, ListRow>();
  let hasTwins = false;
  for (const row of rows) {
    const id = idOf(row);
    if (id === null) continue;
    if (firsts.has(id)) hasTwins = true;
    else firsts.set(id, row);
  }
  if (!hasTwins) return rows;
  return rows.map((row) => {
    const first = firsts.get(idOf(row) ?? '') ?? row;
    // A task has an activity, so a place without one cannot show it.
    return row.activity === null ? row : { ...first, activity: row.activity };
  });
}

function idOf({ task, rejected }: ListRow): string | null {
  return task?.id ?? rejected?.id ?? null;
}

function objectIn(text: string, parse: (text: string) => unknown): JsonObject {
  let body: unknown;
  try {
    body = parse(text);
  } catch {
    // The parser's own message quotes the body, which may hold what must not be logged.
    throw new BadBodyError(`${text.length} characters that do not parse`);
  }
  if (isJsonObject(body)) return body;
  throw new BadBodyError('the body: expected an object');
}

/** Creates an error that names every expectation that does not hold. */
function badBody(expectations: Readonly<Record<string, boolean>>): BadBodyError {
  const failed = Object.entries(expectations).filter(([, holds]) => !holds);
  return new BadBodyError(failed.map(([what]) => what).join('; '));
}
