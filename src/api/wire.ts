import type { ListPage, RejectedRow } from '../ports.ts';
import type { OmittableField, TaskDetail } from '../sync/task.ts';
import { BadBodyError } from './attempt.ts';
import { isJsonObject, type JsonObject, parseJson } from './json.ts';
import { COUNT } from './kinds.ts';
import { createRowParser } from './row.ts';
import { oneLine, type Mask } from './text.ts';

/** Reads the bodies of good answers. Throws BadBodyError where what is around the rows is not right. */
export interface BodyParser {
  /** The list's answer. A row that does not validate is returned as rejected, in its place. */
  list(text: string): Omit<ListPage, 'servedAt'>;
  /** The answer to GET of one task. */
  detail(text: string): TaskDetail | { rejected: RejectedRow };
}

const MAX_MESSAGE_SHOWN = 300;
const MAX_CODE_SHOWN = 60;

/** `omit` names the fields that come out as null. */
export function createBodyParser(omit: ReadonlySet<OmittableField>): BodyParser {
  const rows = createRowParser(omit);
  return {
    list(text) {
      const { success, data, pagination } = objectIn(text);
      const { total, hasMore } = isJsonObject(pagination) ? pagination : {};
      if (success === true && Array.isArray(data) && typeof hasMore === 'boolean') {
        return { rows: data.map((row) => rows.list(row)), total: COUNT.read(total) ?? null, hasMore };
      }
      throw badBody({
        'success: expected true': success === true,
        'data: expected an array': Array.isArray(data),
        'pagination: expected an object': isJsonObject(pagination),
        'pagination.hasMore: expected true or false':
          !isJsonObject(pagination) || typeof hasMore === 'boolean',
      });
    },
    detail(text) {
      const { success, data } = objectIn(text);
      if (success === true && isJsonObject(data)) return rows.detail(data);
      throw badBody({
        'success: expected true': success === true,
        'data: expected an object': isJsonObject(data),
      });
    },
  };
}

/**
 * What the API says in an error's body, short and on one line, with the secret masked before anything is
 * cut; null where the body is not the API's own.
 */
export function parseErrorBody(text: string, mask: Mask): { message: string; code: string } | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  const error = isJsonObject(body) ? body['error'] : null;
  if (!isJsonObject(error)) return null;
  const part = (value: unknown, max: number) => (typeof value === 'string' ? oneLine(mask(value), max) : '');
  return { message: part(error['message'], MAX_MESSAGE_SHOWN), code: part(error['code'], MAX_CODE_SHOWN) };
}

function objectIn(text: string): JsonObject {
  let body: unknown;
  try {
    body = parseJson(text);
  } catch {
    // The parser's own message quotes the body, which may hold what must not be logged.
    throw new BadBodyError(`${text.length} characters that do not parse`);
  }
  if (isJsonObject(body)) return body;
  throw new BadBodyError('the body: expected an object');
}

/** Names every expectation that does not hold. */
function badBody(expectations: Readonly<Record<string, boolean>>): BadBodyError {
  const failed = Object.entries(expectations).filter(([, holds]) => !holds);
  return new BadBodyError(failed.map(([what]) => what).join('; '));
}
