import * as z from 'zod';

import type { ListPage, RejectedRow } from '../ports.ts';
import type { OmittableField, TaskDetail } from '../sync/task.ts';
import { BadBodyError } from './attempt.ts';
import { isJsonObject, parseJson } from './json.ts';
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

const SUCCESS = z.literal(true, { error: 'expected true' });
const LIST = z.object({
  success: SUCCESS,
  data: z.array(z.unknown(), { error: 'expected an array' }),
  pagination: z.object(
    { hasMore: z.boolean({ error: 'expected true or false' }), total: z.unknown().optional() },
    { error: 'expected an object' },
  ),
});
const DETAIL = z.object({
  success: SUCCESS,
  data: z.custom<object>(isJsonObject, { error: 'expected an object' }),
});
const COUNT = z.int().min(0);

/** A parser whose schemas are built once; `omit` names the fields that come out as null. */
export function createBodyParser(omit: ReadonlySet<OmittableField>): BodyParser {
  const rows = createRowParser(omit);
  return {
    list(text) {
      const { data, pagination } = envelope(LIST, text);
      return {
        rows: data.map((row) => rows.list(row)),
        total: COUNT.safeParse(pagination.total).data ?? null,
        hasMore: pagination.hasMore,
      };
    },
    detail: (text) => rows.detail(envelope(DETAIL, text).data),
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

function envelope<T>(schema: z.ZodType<T>, text: string): T {
  let body: unknown;
  try {
    body = parseJson(text);
  } catch {
    // The parser's own message quotes the body, which may hold what must not be logged.
    throw new BadBodyError(`${text.length} characters that do not parse`);
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new BadBodyError(
    parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the body'}: ${issue.message}`).join('; '),
  );
}
