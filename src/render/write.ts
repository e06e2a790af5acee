import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { type Output, visible } from '../platform/terminal.ts';

/** Characters gathered before a write: large enough to be fast, small enough to keep memory flat. */
const CHUNK = 64 * 1024;

/** Text, or bytes that are written as they are. */
export type Piece = string | Uint8Array;

/** Pieces to write in order, sync or async. */
export type Pieces = Iterable<Piece> | AsyncIterable<Piece>;

/**
 * Writes piece by piece and takes the next only when the reader has taken the last, so that a slow pipe holds
 * the producer back. Returns whether the reader took all: false if it closes the pipe (`| head`). Throws the
 * signal's reason when it aborts, and other write errors (a full disk behind `>`).
 */
export async function writeAll(output: Output, pieces: Pieces, signal?: AbortSignal): Promise<boolean> {
  // A failed write is reported to its caller and as an event; without a listener the event ends the process.
  if (output instanceof Writable) output.on('error', ignore);
  try {
    for await (const chunk of chunks(pieces)) {
      signal?.throwIfAborted();
      await written(output, chunk);
      // Writes to a pipe complete at once on Linux: without this turn of the loop no signal would be seen.
      await setImmediate();
    }
    return true;
  } catch (error) {
    if (!isClosedPipe(error)) throw error;
    return false;
  } finally {
    await setImmediate();
    if (output instanceof Writable) output.off('error', ignore);
  }
}

/**
 * Writes data for programs, as {@link writeAll} does: exact in a pipe or a file. On a terminal, characters
 * that it would act on are escaped, styles too, since none of them is ours.
 */
export function writeData(output: Output, pieces: Pieces, signal?: AbortSignal): Promise<boolean> {
  return writeAll(output, output.isTTY === true ? shown(pieces) : pieces, signal);
}

async function* shown(pieces: Pieces): AsyncGenerator<Piece> {
  for await (const piece of pieces) yield typeof piece === 'string' ? visible(piece) : piece;
}

const ignore = (): void => {};

function written(output: Output, chunk: Piece): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

function isClosedPipe(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED')
  );
}

/** Joins pieces into chunks that are worth a write. */
export async function* chunks(pieces: Pieces): AsyncGenerator<Piece> {
  let chunk = '';
  for await (const piece of pieces) {
    if (typeof piece === 'string') chunk += piece;
    if (chunk.length >= CHUNK || typeof piece !== 'string') {
      if (chunk !== '') yield chunk;
      chunk = '';
    }
    if (typeof piece !== 'string') yield piece;
  }
  if (chunk !== '') yield chunk;
}
