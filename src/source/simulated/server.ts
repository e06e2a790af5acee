import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { detailOf, historyOf } from './answers.ts';
import { errorResponse, faultPlanner, spoil } from './faults.ts';
import type { ApiRequest, FaultPlan, RequestKind } from './faults.ts';
import type { ApiTask, SimulatedList } from './list.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;

/** Requests received, by kind, including refused and faulty ones; `faults`: how many of them got a fault. */
export type ApiStats = Record<RequestKind | 'faults', number>;

type Env = { Bindings: Partial<HttpBindings> };

export interface ApiOptions {
  list: SimulatedList;
  /** Keys that are accepted. All of them see the whole list. */
  keys: readonly string[];
  /** The server's clock in ms since the epoch, for the Date header. */
  now: () => number;
  /** Decides about faults by chance. */
  random?: Random;
  faults?: FaultPlan;
  /** Wait before each answer. */
  latencyMs?: number;
  /** Called, and waited for, before a request is answered: to change the list, or to hold the answer back. */
  onRequest?: (request: ApiRequest) => void | Promise<void>;
}

/**
 * Creates the simulated Tasks API as a Hono app, with live counts of its requests. Serve it with {@link
 * startServer}, or call `app.request()`.
 */
export function createApi(options: ApiOptions): { app: Hono<Env>; stats: ApiStats } {
  const { list, keys, latencyMs = 0 } = options;
  const faultFor = faultPlanner(options.faults ?? 0, options.random ?? createRandom(1));
  const stats: ApiStats = { list: 0, get: 0, history: 0, faults: 0 };

  const route =
    (kind: RequestKind, handle: (context: Context<Env>) => Response) =>
    async (context: Context<Env>): Promise<Response> => {
      stats[kind] += 1;
      const { pathname, search } = new URL(context.req.url);
      const request: ApiRequest = { kind, number: stats[kind], path: pathname + search };
      await options.onRequest?.(request);
      if (latencyMs > 0) await delay(latencyMs);

      const answer = (): Response => refusalOf(context.req.header('authorization'), keys) ?? handle(context);
      const fault = faultFor(request);
      if (fault === undefined) return answer();
      stats.faults += 1;
      return spoil(fault, answer, context.env);
    };

  const app = new Hono<Env>();
  app.use(async (context, next) => {
    await next();
    context.header('date', new Date(options.now()).toUTCString());
  });
  app.get(
    '/api/v1/tasks',
    route('list', (context) => answerList(list, context.req.query('limit'), context.req.query('offset'))),
  );
  app.get(
    '/api/v1/tasks/:id',
    route('get', (context) => answerTask(list.find(context.req.param('id') ?? ''), detailOf)),
  );
  app.get(
    '/api/v1/tasks/:id/history',
    route('history', (context) => answerTask(list.find(context.req.param('id') ?? ''), historyOf)),
  );
  app.notFound(() => errorResponse(404, 'NOT_FOUND', 'There is nothing here.'));
  return { app, stats };
}

/**
 * Serves the app on a loopback port, a free one unless `port` is given. `close` also ends connections that
 * are open or in the middle of an answer; calling it again does nothing. Rejects if the port is not
 * available.
 */
export async function startServer(
  app: Pick<Hono<Env>, 'fetch'>,
  options: { port?: number; hostname?: string } = {},
): Promise<{ url: string; close: () => Promise<void> }> {
  const hostname = options.hostname ?? '127.0.0.1';
  // The adapter would otherwise replace the Request and Response of the whole process.
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, hostname, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://${hostname}:${address.port}`, close };
}

/** Returns the 401 that this Authorization header deserves, if any (docs.sigmic.ai, errors). */
function refusalOf(authorization: string | undefined, keys: readonly string[]): Response | undefined {
  if (authorization === undefined) return errorResponse(401, 'AUTH_REQUIRED', 'Authentication is required.');
  const key = /^Bearer ((?:sigmic_|eyJ)\S*)$/.exec(authorization)?.[1];
  if (key === undefined) {
    return errorResponse(401, 'INVALID_AUTH_FORMAT', 'Expected "Authorization: Bearer <key>".');
  }
  return keys.includes(key) ? undefined : errorResponse(401, 'INVALID_API_KEY', 'The API key is not valid.');
}

function answerList(
  list: SimulatedList,
  limitText: string | undefined,
  offsetText: string | undefined,
): Response {
  const limit = limitText === undefined ? DEFAULT_LIMIT : wholeNumber(limitText);
  const offset = offsetText === undefined ? 0 : wholeNumber(offsetText);
  if (limit === undefined || limit < 1) {
    return errorResponse(400, 'VALIDATION_ERROR', 'limit must be a whole number of 1 or more.');
  }
  if (offset === undefined) {
    return errorResponse(400, 'VALIDATION_ERROR', 'offset must be a whole number of 0 or more.');
  }
  return Response.json({ success: true, ...list.page({ limit, offset, maxLimit: MAX_LIMIT }) });
}

function answerTask(task: ApiTask | undefined, show: (task: ApiTask) => object): Response {
  if (task === undefined) return errorResponse(404, 'NOT_FOUND', 'Task not found.');
  return Response.json({ success: true, data: show(task) });
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
