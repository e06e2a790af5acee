import type { IncomingMessage, ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';
import { detailOf } from '../../src/source/simulated/answers.ts';
import type { ApiPage, SimulatedList } from '../../src/source/simulated/list.ts';
import { startServer } from '../source/http/loopback.ts';
import { EPOCH } from '../support/tasks.ts';

/** A way to answer, or not to. */
export type Step = (response: ServerResponse, request: IncomingMessage) => void;

/** An API on a loopback port that can be made to fail in any way. */
export interface FaultyApi {
  readonly url: string;
  /** Every request that came, in order. */
  readonly requests: IncomingMessage[];
  /** What request number `number` (from 1) gets in place of its answer; null: its answer. */
  fault: (number: number) => Step | null;
  /** Makes the body of a list's answer. */
  bodyOf: (page: ApiPage) => string;
}

/** Serves the list until the test is over. Its clock stands an hour after EPOCH. */
export async function serveList(list: SimulatedList): Promise<FaultyApi> {
  const server = await startServer((request, response) => {
    response.setHeader('date', new Date(EPOCH + 3_600_000).toUTCString());
    const step = api.fault(server.requests.length);
    if (step === null) answer(api, list, request, response);
    else step(response, request);
  });
  onTestFinished(() => server.close());
  const api: FaultyApi = {
    url: server.url,
    requests: server.requests,
    fault: () => null,
    bodyOf: (page) => JSON.stringify({ success: true, ...page }),
  };
  return api;
}

function answer(
  api: FaultyApi,
  list: SimulatedList,
  { url }: IncomingMessage,
  response: ServerResponse,
): void {
  const { pathname, searchParams } = new URL(url ?? '', api.url);
  const id = /^\/api\/v1\/tasks\/(.+)$/.exec(pathname)?.[1];
  response.setHeader('content-type', 'application/json');
  if (id === undefined) {
    const page = { offset: Number(searchParams.get('offset')), limit: Number(searchParams.get('limit')) };
    response.end(api.bodyOf(list.page(page)));
    return;
  }
  const task = list.find(decodeURIComponent(id));
  const body =
    task === undefined
      ? { success: false, error: { code: 'NOT_FOUND', message: 'Task not found.' } }
      : { success: true, data: detailOf(task) };
  response.writeHead(task === undefined ? 404 : 200).end(JSON.stringify(body));
}
