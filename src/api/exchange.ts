import { BadBodyError } from './attempt.ts';
import { parseHttpDate } from './time.ts';

/** What came back for one HTTP request. */
export interface Answer {
  status: number;
  headers: Headers;
  /** The body; that of an error is empty where it is too long or broken off. */
  text: string;
  /** The server's clock in ms, whole seconds; null where it gave none. */
  servedAt: number | null;
}

/** Decoded bytes of a good answer: 100 tasks with 300 KB of text each. A small gzip body may hide any number. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_ERROR_BODY_BYTES = 64 * 1024;

/**
 * Sends one GET and reads the whole answer; never follows a redirect. The body of an error is read too, so
 * that its connection can be used again. Throws BadBodyError where a good answer is too large or not UTF-8,
 * and otherwise what fetch throws.
 */
export async function exchange(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Answer> {
  const response = await fetch(url, { headers, signal, redirect: 'manual' });
  const text = response.ok ? await readText(response) : await readErrorText(response);
  const servedAt = parseHttpDate(response.headers.get('date'));
  return { status: response.status, headers: response.headers, text, servedAt };
}

async function readText(response: Response): Promise<string> {
  const bytes = await readBytes(response, MAX_BODY_BYTES);
  if (bytes === null) throw new BadBodyError(`more than ${MAX_BODY_BYTES / 1024 ** 2} MB`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new BadBodyError('not UTF-8');
  }
}

/** Empty where the body cannot be had: the status alone says enough. */
async function readErrorText(response: Response): Promise<string> {
  const bytes = await readBytes(response, MAX_ERROR_BODY_BYTES).catch(() => null);
  return new TextDecoder().decode(bytes ?? new Uint8Array());
}

/** Null where there is more than `maxBytes`: leaving the loop cancels the rest. */
async function readBytes(response: Response, maxBytes: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
