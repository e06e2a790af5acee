import { UsageError } from '../../model/errors.ts';
import { startOf } from './named-parameters.ts';

const READ_STATEMENT = /^[(\s]*(?:select|with|values|table|explain)\b/i;

/**
 * Throws UsageError unless the SQL begins like one that reads. That is only to say so early: what keeps it from
 * writing is the transaction that it runs in.
 */
export function assertReadStatement(sql: string): void {
  if (sql.includes('\0')) throw refused('it holds a NUL character');
  const statement = sql.slice(startOf(sql));
  if (statement === '') throw refused('it is empty');
  if (READ_STATEMENT.test(statement)) return;
  const firstWord = /^\w{1,20}/.exec(statement)?.[0];
  throw refused(firstWord === undefined ? 'it is no query' : `it begins with ${firstWord.toUpperCase()}`);
}

export function refused(why: string, cause?: Error): UsageError<'sql_refused'> {
  return new UsageError(
    'sql_refused',
    { engine: 'postgres' },
    `this SQL was refused: ${why}`,
    cause === undefined ? {} : { cause },
  );
}
