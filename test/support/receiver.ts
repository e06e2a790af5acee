import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A request that a receiver got. */
export interface Received {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  text: string;
  body: { type: string; timestamp: string; data: Record<string, unknown> };
}

/** How a receiver answers: a status with headers, or in a way of its own. */
export type Answer =
  | number
  | { status: number; headers?: Record<string, string>; text?: string }
  | ((response: ServerResponse) => void | Promise<void>);

export interface Receiver {
  url: string;
  /** Every request, in order. */
  got: Received[];
  /** How it answers, request by request; the last answer stays. */
  answers: (...answers: Answer[]) => void;
  /** Resolves when it has got this many requests. */
  gets(count: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts a receiver of webhooks on loopback, which answers 200. It is closed after the test. */
export async function startReceiver(): Promise<Receiver> {
  const got: Received[] = [];
  let answers: Answer[] = [200];
  let waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    void read(request).then((text) => {
      const { method = '', url = '', headers } = request;
      got.push({ method, path: url, headers, text, body: JSON.parse(text) as Received['body'] });
      const due = waiting.filter(({ count }) => got.length >= count);
      waiting = waiting.filter(({ count }) => got.length < count);
      for (const { resolve } of due) resolve();
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return send(response, answer ?? 200);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    got,
    answers: (...given) => {
      answers = given;
    },
    gets(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (got.length >= count) resolve();
      else waiting.push({ count, resolve });
      return promise;
    },
    close,
  };
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function send(response: ServerResponse, answer: Answer): Promise<void> {
  if (typeof answer === 'function') return answer(response);
  const { status, headers = {}, text = '' } = typeof answer === 'number' ? { status: answer } : answer;
  response.writeHead(status, headers).end(text);
}
