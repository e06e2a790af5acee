import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { FakeClock } from '../support/fake-clock.ts';
import { EPOCH } from '../support/tasks.ts';
import { apiError, json } from '../source/http/loopback.ts';
import type { Step } from './api.ts';
import { KEY } from './run.ts';

/** A way in which an API fails, and what the user gets to see of it. */
export interface Fault {
  what: string;
  /** Answers with the fault. Wherever an answer can repeat the key, it does. */
  answer: (clock: FakeClock) => Step;
  exitCode: 4 | 5;
  error: RegExp;
  hint: RegExp;
  /** False: asking again cannot help, so it is done once only. */
  isRepeated: boolean;
}

const LATER = /^Try again later: tasks mirrored so far stay\.$/;
const NETWORK = /^Check the network and the base URL, now http:.*try again later: tasks mirrored/;
const temporary = { exitCode: 5, hint: LATER, isRepeated: true } as const;
const refused = {
  exitCode: 4,
  hint: /^Put a key that is valid for http:.* into environment variable SIGMIC_API_KEY\.$/,
  isRepeated: false,
} as const;

/** More than 32 MB once it is unpacked. */
const BOMB = gzipSync(Buffer.alloc(40 * 1024 ** 2, ' '), { level: 1 });
const BROTLI = brotliCompressSync(JSON.stringify({ success: true, data: [KEY] }));
const HALF = `{"success":true,"data":[{"id":"${KEY}","message":"`;

const body =
  (text: string | Buffer, headers: Record<string, string>): Step =>
  (response) =>
    void response.writeHead(200, headers).end(text);

/** Begins a body, adds to it byte by byte, and never ends it; then the time is up. */
const drip =
  (clock: FakeClock): Step =>
  (response) => {
    let left = 5;
    const next = (): void => {
      left -= 1;
      if (left === 0) clock.expireTimeouts();
      else response.write(' ', next);
    };
    response.writeHead(200);
    response.write(HALF, next);
  };

export const FAULTS: readonly Fault[] = [
  {
    what: 'HTTP 503',
    answer: () => apiError(503, 'UNAVAILABLE', `overloaded by ${KEY}`),
    error:
      /was tried \d+ times in [\d.]+ s and failed: HTTP 503 \(UNAVAILABLE: overloaded by \[redacted\]\)\.$/,
    ...temporary,
  },
  {
    what: 'HTTP 500 without a body of the API',
    answer: () => (response) => void response.writeHead(500).end(`<h1>${KEY}</h1>`),
    error:
      /was tried \d+ times in [\d.]+ s and failed: HTTP 500 \(no content type, begins with: <h1>\[redacted\]<\/h1>\)\.$/,
    ...temporary,
  },
  {
    what: 'HTTP 429 with Retry-After in seconds',
    answer: () => apiError(429, 'RATE_LIMITED', KEY, { 'retry-after': '20' }),
    error: /was tried \d+ times in 1\d\d\.\d s and failed: HTTP 429/,
    ...temporary,
    hint: /^Try again in 20 s, as the API asks: tasks mirrored so far stay\.$/,
  },
  {
    what: 'HTTP 503 with Retry-After as a date',
    answer: () =>
      apiError(503, 'MAINTENANCE', KEY, { 'retry-after': new Date(EPOCH + 3_630_000).toUTCString() }),
    error: /was tried \d times in \d+\.\d s and failed: HTTP 503/,
    ...temporary,
    hint: /^Try again in 30 s, as the API asks/,
  },
  {
    what: 'HTTP 429 with a Retry-After beyond all patience',
    answer: () => apiError(429, 'QUOTA', KEY, { 'retry-after': '3600' }),
    error: /was tried once and failed: HTTP 429/,
    ...temporary,
    hint: /^Try again in 3600 s, as the API asks/,
    isRepeated: false,
  },
  {
    what: 'HTTP 401',
    answer: () => apiError(401, 'INVALID_API_KEY', `Bearer ${KEY} is not valid`),
    error:
      /^Source "default": the API refused the key from environment variable SIGMIC_API_KEY: HTTP 401 \(INVALID_API_KEY/,
    ...refused,
  },
  {
    what: 'HTTP 403',
    answer: () => apiError(403, 'FORBIDDEN', `no entry for ${KEY}`),
    error: /^Source "default": the API refused the key from environment variable SIGMIC_API_KEY: HTTP 403/,
    ...refused,
  },
  {
    what: 'HTTP 403 of a firewall',
    answer: () => (response) =>
      void response.writeHead(403, { 'content-type': 'text/html' }).end(`<h1>Blocked: Bearer ${KEY}</h1>`),
    error: /failed: HTTP 403 \(text\/html, begins with: <h1>Blocked: Bearer \[redacted\]<\/h1>\)\.$/,
    ...temporary,
    hint: /^This did not come from the API itself: a firewall or proxy blocks this machine/,
  },
  {
    what: 'HTTP 403 with a code that is not the API`s',
    answer: () => apiError(403, KEY, `no entry for ${KEY}`),
    error: /failed: HTTP 403 \(\[redacted\]: no entry for \[redacted\]\)\.$/,
    ...temporary,
  },
  {
    what: 'HTTP 403 with Retry-After',
    answer: () => apiError(403, 'FORBIDDEN', KEY, { 'retry-after': '20' }),
    error: /was tried \d+ times in 1\d\d\.\d s and failed: HTTP 403 \(FORBIDDEN: \[redacted\]\)\.$/,
    ...temporary,
    hint: /^Try again in 20 s, as the API asks/,
  },
  {
    what: 'HTTP 401 of a proxy that wants a login',
    answer: () => (response) =>
      void response.writeHead(401, { 'www-authenticate': `Basic realm="${KEY}"` }).end(),
    error: /was tried \d+ times in [\d.]+ s and failed: HTTP 401\.$/,
    ...temporary,
    hint: /a proxy or gateway may want a login/,
  },
  {
    what: 'HTTP 200 with an error that refuses the key',
    answer: () => json(200, { success: false, error: { code: 'INVALID_API_KEY', message: `not ${KEY}` } }),
    error: /the API refused the key from .*: HTTP 200 \(INVALID_API_KEY: not \[redacted\]\)\.$/,
    ...refused,
  },
  {
    what: 'HTTP 200 with another error',
    answer: () => json(200, { success: false, error: { code: KEY, message: `busy\nwith ${KEY}` } }),
    error: /failed: HTTP 200 \(\[redacted\]: busy with \[redacted\]\)\.$/,
    ...temporary,
  },
  {
    what: 'HTTP 304',
    answer: () => (response) => void response.writeHead(304, { etag: KEY }).end(),
    error: /was tried once and failed: HTTP 304, "not modified", although taskmirror caches nothing\.$/,
    exitCode: 5,
    hint: /^A cache in between answers without the content/,
    isRepeated: false,
  },
  {
    what: 'HTTP 402',
    answer: () => apiError(402, 'PAYMENT_REQUIRED', `pay for ${KEY}`),
    error: /was tried once and failed: HTTP 402 \(PAYMENT_REQUIRED: pay for \[redacted\]\)\.$/,
    exitCode: 5,
    hint: /^The API asks for payment: the owner of the account/,
    isRepeated: false,
  },
  {
    what: 'HTTP 407',
    answer: () => (response) => void response.writeHead(407).end(KEY),
    error: /was tried once and failed: HTTP 407 \(no content type, begins with: \[redacted\]\)\.$/,
    exitCode: 5,
    hint: /^A proxy asks for a login: put it into HTTPS_PROXY/,
    isRepeated: false,
  },
  {
    what: 'HTTP 410',
    answer: () => apiError(410, 'GONE', KEY),
    error: /was tried once and failed: HTTP 410 \(GONE: \[redacted\]\)\.$/,
    exitCode: 5,
    hint: /gone for good: check the base URL, now http:/,
    isRepeated: false,
  },
  {
    what: 'HTTP 413',
    answer: () => (response) => void response.writeHead(413).end(),
    error: /was tried once and failed: HTTP 413\.$/,
    exitCode: 5,
    hint: /lower sync\.pageSize\.$/,
    isRepeated: false,
  },
  {
    what: 'a body in an encoding that nobody asked for',
    answer: () => body(BROTLI, { 'content-encoding': 'br', 'content-type': KEY }),
    error: /not the expected JSON \(\[redacted\], encoded as br\)\.$/,
    ...temporary,
    hint: /has to respect Accept-Encoding\.$/,
  },
  {
    what: 'HTTP 400',
    answer: () => apiError(400, 'VALIDATION_ERROR', `authorization: Bearer ${KEY}`),
    error: /was tried once and failed: HTTP 400 \(VALIDATION_ERROR/,
    exitCode: 5,
    hint: /check for a newer version of taskmirror/,
    isRepeated: false,
  },
  {
    what: 'a body that breaks off with its connection',
    answer: () => (response, request) => {
      response.writeHead(200, { 'content-length': '100000' });
      response.write(HALF, () => request.socket.destroy());
    },
    error: /ECONNRESET/,
    ...temporary,
    hint: NETWORK,
  },
  {
    what: 'a body that is cut off and passed for whole',
    answer: () => body(HALF, { 'content-type': 'application/json' }),
    error: /a body that is not the expected JSON \(\d+ characters that do not parse\)/,
    ...temporary,
  },
  {
    what: 'HTML with HTTP 200',
    answer: () => body(`<!doctype html><title>${KEY}</title>`, { 'content-type': 'text/html' }),
    error: /not the expected JSON \(text\/html, begins with: <!doctype html><title>\[redacted\]/,
    ...temporary,
  },
  {
    what: 'another content type with HTTP 200',
    answer: () => body(`id,status\n${KEY},ok\n`, { 'content-type': `text/csv; name=${KEY}` }),
    error: /not the expected JSON \(text\/csv; name=\[redacted\], begins with: id,status \[redacted\]/,
    ...temporary,
  },
  {
    what: 'JSON of another shape',
    answer: () => json(200, { success: KEY, data: KEY, pagination: KEY }),
    error: /not the expected JSON \(success: expected true; data: expected an array/,
    ...temporary,
  },
  {
    what: 'a body that drips',
    answer: drip,
    error: /was tried \d times in [\d.]+ s and failed: no complete answer within \d+ ms\.$/,
    ...temporary,
  },
  {
    what: 'no answer at all',
    answer: (clock) => () => clock.expireTimeouts(),
    error: /was tried \d times in [\d.]+ s and failed: no complete answer within \d+ ms\.$/,
    ...temporary,
  },
  {
    what: 'a small body that unpacks to more than 32 MB',
    answer: () => body(BOMB, { 'content-encoding': 'gzip' }),
    error: /limit=8&offset=\d+ was tried once and failed: a body of more than 32 MB\.$/,
    exitCode: 5,
    hint: /^Ask for fewer tasks per page/,
    isRepeated: false,
  },
  {
    what: 'a closed connection',
    answer: () => (_response, request) => void request.socket.resetAndDestroy(),
    error: /ECONNRESET/,
    ...temporary,
    hint: NETWORK,
  },
  {
    what: 'a redirect to another host',
    answer: () => (response) =>
      void response.writeHead(302, { location: 'https://elsewhere.example/login?next=%2Ftasks' }).end(KEY),
    error: /was tried once and failed: HTTP 302, a redirect to elsewhere\.example\.$/,
    exitCode: 5,
    hint: /^Redirects are not followed\. Correct the base URL/,
    isRepeated: false,
  },
  {
    what: 'a redirect that carries the key',
    answer: () => (response) =>
      void response.writeHead(307, { location: `https://${KEY}@elsewhere.example/${KEY}` }).end(),
    error: /was tried once and failed: HTTP 307, a redirect to an address that repeats the key\.$/,
    exitCode: 5,
    hint: /^Redirects are not followed/,
    isRepeated: false,
  },
];
