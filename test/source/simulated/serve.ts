import { onTestFinished } from 'vitest';
import { SimulatedList } from '../../../src/source/simulated/list.ts';
import { createApi, startServer } from '../../../src/source/simulated/server.ts';
import type { ApiOptions, ApiStats } from '../../../src/source/simulated/server.ts';
import { taskAt } from './tasks.ts';

export const KEY = 'sigmic_secret';
/** What the served API takes for now. */
export const NOW = Date.parse('2026-11-20T12:00:00.400Z');
export const AUTHORIZED = { authorization: `Bearer ${KEY}` };

/** Serves t0 to t129, or what `options` say, until the test is over. */
export async function serve(options: Partial<ApiOptions> = {}): Promise<{ url: string; stats: ApiStats }> {
  const list = new SimulatedList(Array.from({ length: 130 }, (_, n) => taskAt(`t${n}`, n * 1_000)));
  const { app, stats } = createApi({ list, keys: [KEY], now: () => NOW, ...options });
  const server = await startServer(app);
  onTestFinished(server.close);
  return { url: `${server.url}/api/v1/tasks`, stats };
}

interface Answer<Data> {
  status: number;
  headers: Headers;
  body: { success: boolean; data: Data; pagination: object; error: { code: string } };
}

/** Gets and parses an answer. */
export async function read<Data = Record<string, unknown>>(
  url: string,
  headers: Record<string, string> = AUTHORIZED,
): Promise<Answer<Data>> {
  const response = await fetch(url, { headers });
  const body: Answer<Data>['body'] = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, body };
}
