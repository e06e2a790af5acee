import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';

import { createHttpSource, type HttpSourceOptions } from '../../../src/source/http/client.ts';
import type { Log } from '../../../src/model/log.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

/** A server on a loopback port of its own. */
export interface Loopback {
  url: string;
  /** Every request that came, in order. */
  requests: IncomingMessage[];
  close(): Promise<void>;
}

export async function startServer(respond: RequestListener): Promise<Loopback> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

/** A server that answers the first request with the first step, and all after the last with the last. */
export function startScript(...steps: ((response: ServerResponse, request: IncomingMessage) => void)[]) {
  let next = 0;
  return startServer((request, response) => {
    const step = steps[Math.min(next, steps.length - 1)];
    next += 1;
    step?.(response, request);
  });
}

/** A step that answers with JSON. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}) {
  return (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** A step that answers as the API does in case of an error. */
export function apiError(status: number, code: string, message = 'no', headers: Record<string, string> = {}) {
  return json(status, { success: false, error: { message, code } }, headers);
}

export const EMPTY_LIST = {
  success: true,
  data: [],
  pagination: { total: 0, limit: 100, offset: 0, hasMore: false },
};

/** A log that keeps its lines. */
export function recordingLog() {
  const lines: { level: string; fields: object; message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { log, lines };
}

export const KEY = 'sigmic_0123456789abcdef';

/** A source of the server at `baseUrl`, on a fake clock, with a recording log and no randomness. */
export function testSource(baseUrl: string, changes: Partial<HttpSourceOptions> = {}) {
  const clock = createFakeClock();
  const { log, lines } = recordingLog();
  const source = createHttpSource({
    name: 'default',
    baseUrl,
    key: { value: KEY, origin: 'environment variable SIGMIC_API_KEY' },
    clock,
    log,
    random: () => 0.5,
    requestTimeoutMs: 30_000,
    retryMs: 120_000,
    maxRequestsPerSecond: null,
    omit: new Set(),
    userAgent: 'taskmirror/test',
    ...changes,
  });
  return { source, clock, lines };
}
