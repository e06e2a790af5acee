import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Random } from './random.ts';

export type RequestKind = 'list' | 'get' | 'history';

/** A request to the simulated API, before it is answered. */
export interface ApiRequest {
  kind: RequestKind;
  /** 1 for the first request of its kind that this server got. */
  number: number;
  /** Path and query. */
  path: string;
}

/**
 * A way to fail instead of answering. `retryAfter` is the header's text: seconds, or an HTTP date. `drop`
 * closes the connection before any answer, `cut` after half of the body; `truncate` sends half of the body as
 * if it were the whole.
 */
export type Fault =
  | { kind: 'unavailable'; retryAfter?: string }
  | { kind: 'rateLimited'; retryAfter: string }
  | { kind: 'drop' }
  | { kind: 'cut' }
  | { kind: 'truncate' };

/** Which requests get which fault: a share of all (0 to 1) gets any of them, or a function decides. */
export type FaultPlan = number | ((request: ApiRequest) => Fault | undefined);

/** Returns the plan as a function; `random` decides for a plan that is a share. */
export function faultPlanner(plan: FaultPlan, random: Random): (request: ApiRequest) => Fault | undefined {
  if (typeof plan === 'function') return plan;
  return () => (random.chance(plan) ? random.pick(FAULTS) : undefined);
}

// Waits that a client is asked for at random are short: nobody wants to watch them.
const FAULTS: readonly Fault[] = [
  { kind: 'unavailable' },
  { kind: 'unavailable', retryAfter: '1' },
  { kind: 'rateLimited', retryAfter: '0' },
  { kind: 'rateLimited', retryAfter: '1' },
  { kind: 'drop' },
  { kind: 'cut' },
  { kind: 'truncate' },
];

/** Returns an error as the API words it: `{ success: false, error }`. */
export function errorResponse(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ success: false, error: { message, code } }, { status, headers });
}

/**
 * Answers with the fault; `answer` makes what would have been the answer. Throws an Error for `drop` and
 * `cut` if there is no connection to lose, as with app.request().
 */
export async function spoil(
  fault: Fault,
  answer: () => Response,
  bindings: Partial<HttpBindings> | undefined,
): Promise<Response> {
  switch (fault.kind) {
    case 'unavailable': {
      const headers = fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter };
      return errorResponse(503, 'SERVICE_UNAVAILABLE', 'The service is temporarily unavailable.', headers);
    }
    case 'rateLimited':
      return errorResponse(429, 'RATE_LIMITED', 'Too many requests.', { 'retry-after': fault.retryAfter });
    case 'truncate': {
      const whole = answer();
      return new Response(half(await whole.arrayBuffer()), whole);
    }
    default:
      return loseConnection(bindings, fault.kind === 'cut' ? answer() : undefined);
  }
}

async function loseConnection(
  bindings: Partial<HttpBindings> | undefined,
  response: Response | undefined,
): Promise<Response> {
  const outgoing = bindings?.outgoing;
  if (outgoing === undefined) throw new Error('A connection can only be lost over HTTP: use startServer.');
  if (response !== undefined) {
    const body = await response.arrayBuffer();
    outgoing.writeHead(response.status, {
      'content-type': 'application/json',
      'content-length': body.byteLength,
    });
    await new Promise<void>((resolve) => outgoing.write(new Uint8Array(half(body)), () => resolve()));
  }
  outgoing.destroy();
  return RESPONSE_ALREADY_SENT;
}

const half = (body: ArrayBuffer): ArrayBuffer => body.slice(0, Math.floor(body.byteLength / 2));
