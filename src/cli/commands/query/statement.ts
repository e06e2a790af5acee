import { addAbortSignal, type Readable } from 'node:stream';
import { absolutePath } from '../../../platform/paths.ts';
import { CommandLineError } from '../../command-line-error.ts';
import { MAX_SQL_KILOBYTES, readSaved, readSqlFile } from './saved.ts';

/** The stream of stdin; a terminal is read only on request. */
export type Stdin = Readable & { isTTY?: boolean };

export interface StatementSource {
  /** The SQL argument: SQL, @NAME of a saved query, or - for stdin. */
  argument: string | undefined;
  /** The value of --file; - for stdin. */
  file: string | undefined;
  /** Opens stdin; called only if it is read. */
  stdin: () => Stdin;
  cwd: string | null;
  queriesFolder: string;
  signal: AbortSignal;
}

/**
 * Returns the SQL: an argument, a file, a saved query, or stdin, which is also read if nothing is named and
 * input is piped in. Throws UsageError if there is no readable SQL, and the signal's reason.
 */
export async function readStatement(source: StatementSource): Promise<string> {
  const { argument, file, stdin, cwd, queriesFolder, signal } = source;
  if (argument !== undefined && file !== undefined) {
    throw new CommandLineError('there are two statements: an argument and --file', {
      hint: 'Give only one of them.',
    });
  }
  const named = argument ?? file;
  if (named === '-' || (named === undefined && stdin().isTTY !== true)) return readStdin(stdin(), signal);
  if (file !== undefined) return readSqlFile(absolutePath(cwd, file));
  if (argument === undefined) {
    throw new CommandLineError('no SQL was given', {
      hint: 'Give it as an argument, with --file FILE, as @NAME of a saved query, or on stdin.',
    });
  }
  return argument.startsWith('@') ? readSaved(queriesFolder, argument.slice(1)) : argument;
}

async function readStdin(stdin: Stdin, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of addAbortSignal(signal, stdin)) {
      const part = Buffer.from(chunk);
      bytes += part.length;
      if (bytes > MAX_SQL_KILOBYTES * 1_024) {
        throw new CommandLineError(`the SQL on stdin is larger than ${MAX_SQL_KILOBYTES} KB`);
      }
      chunks.push(part);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TypeError)
      throw new CommandLineError('the SQL on stdin is not UTF-8 text', { cause: error });
    throw error;
  }
}
