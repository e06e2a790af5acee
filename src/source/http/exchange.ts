import type { Agent, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { addAbortSignal, pipeline, type Readable } from 'node:stream';
import { isLoopback } from '../../model/base-url.ts';
import { BadBodyError, TooLargeError } from './attempt.ts';
import { parseHttpDate } from './time.ts';
import { jsonTextFrom } from './utf8.ts';

/**
 * An `import` would take every export of node:http, one of which loads Node's fetch: that alone takes longer
 * to load than Node itself. Using fetch would cost the same, and most runs make one request.
 */
const require = createRequire(import.meta.url);

/** The answer to one HTTP request. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** The body. Empty if its encoding is unknown; that of an error also if it is too long or breaks off. */
  text: string;
  /** The Content-Encoding that we neither asked for nor understand; null if there is none. */
  unknownEncoding: string | null;
  /** The server's clock in ms, whole seconds; null if it gave none. */
  servedAt: number | null;
}

/**
 * Sends one GET for `path`, below the base URL, and reads the whole answer; never follows a redirect. Reads
 * the body of an error too, so that its connection can be used again. Throws TooLargeError or BadBodyError if
 * a good answer is too large or not UTF-8, and otherwise what node:http or node:zlib throws.
 */
export type Exchange = (
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<Answer>;

/**
 * Most decoded bytes of a good answer: 100 tasks with 300 KB of text each. A small gzip body may hide more.
 */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_ERROR_BODY_BYTES = 64 * 1024;

/** How Node's own agent keeps connections. */
const AGENT_OPTIONS = { keepAlive: true, scheduling: 'lifo', timeout: 5_000 } as const;

/** Creates an exchange. `baseUrl` as checkBaseUrl gives it. */
export function createExchange(baseUrl: string): Exchange {
  const { protocol, hostname } = new URL(baseUrl);
  let agent: Agent | undefined;

  const get = (path: string, headers: Record<string, string>, signal: AbortSignal) => {
    const http = require(protocol === 'https:' ? 'node:https' : 'node:http') as typeof import('node:http');
    // Node's own agent may send requests through the proxy that the environment names (NODE_USE_ENV_PROXY):
    // they would go to another machine's loopback host, with the key in the clear.
    if (isLoopback(hostname)) agent ??= new http.Agent(AGENT_OPTIONS);
    return new Promise<IncomingMessage>((resolve, reject) => {
      const request = http.get(baseUrl + path, { headers, signal, agent }, resolve);
      // The listener stays for errors after the answer: the reader of the body gets those.
      request.on('error', reject);
      // Node has neither an answer nor an error for a server that switches to another protocol (status 101).
      request.once('close', () => reject(Object.assign(new Error('no answer came'), { code: 'ECONNRESET' })));
    });
  };

  return async (path, headers, signal) => {
    const response = await get(path, { ...headers, 'accept-encoding': 'gzip' }, signal);
    const status = response.statusCode ?? 0;
    const servedAt = parseHttpDate(response.headers.date);
    const answer = { status, headers: response.headers, unknownEncoding: null, servedAt };
    const encoding = response.headers['content-encoding']?.trim().toLowerCase() ?? '';
    if (!KNOWN_ENCODINGS.has(encoding)) {
      response.destroy();
      return { ...answer, text: '', unknownEncoding: encoding };
    }
    const body = addAbortSignal(signal, GZIP.has(encoding) ? unzipped(response) : response);
    const isGood = status >= 200 && status < 300;
    return { ...answer, text: isGood ? await readText(body) : await readErrorText(body) };
  };
}

/** Two names of the same encoding (RFC 9110, 8.4.1.3). */
const GZIP: ReadonlySet<string> = new Set(['gzip', 'x-gzip']);
const KNOWN_ENCODINGS: ReadonlySet<string> = new Set(['', 'identity', ...GZIP]);

function unzipped(response: IncomingMessage): Readable {
  const { createGunzip } = require('node:zlib') as typeof import('node:zlib');
  // The reader gets the errors of both.
  return pipeline(response, createGunzip(), () => {});
}

async function readText(body: Readable): Promise<string> {
  const bytes = await readBytes(body, MAX_BODY_BYTES);
  if (bytes === null) throw new TooLargeError(MAX_BODY_BYTES);
  const text = jsonTextFrom(bytes);
  if (text === null) throw new BadBodyError('not UTF-8');
  return text;
}

/** Returns the text; empty if the body cannot be read, because the status alone says enough. */
async function readErrorText(body: Readable): Promise<string> {
  const bytes = await readBytes(body, MAX_ERROR_BODY_BYTES).catch(() => null);
  return new TextDecoder().decode(Buffer.from(bytes ?? '', 'latin1'));
}

/**
 * Returns the bytes, each as a character of a text; null if there are more than `maxBytes`: leaving the loop
 * closes the connection. They are not joined in a Buffer: one Buffer per page fragments the heap.
 */
async function readBytes(body: Readable, maxBytes: number): Promise<string | null> {
  let bytes = '';
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (bytes.length + chunk.byteLength > maxBytes) return null;
    bytes += chunk.toString('latin1');
  }
  return bytes;
}
