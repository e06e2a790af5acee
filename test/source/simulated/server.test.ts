import { describe, expect, onTestFinished, test } from 'vitest';
import type { historyOf } from '../../../src/source/simulated/answers.ts';
import { SimulatedList } from '../../../src/source/simulated/list.ts';
import type { ApiTask } from '../../../src/source/simulated/list.ts';
import { createApi, startServer } from '../../../src/source/simulated/server.ts';
import { AUTHORIZED, KEY, NOW, read, serve } from './serve.ts';
import { taskAt } from './tasks.ts';

describe('the list', () => {
  test('gives 50 rows from the top unless asked for others', async () => {
    const { url } = await serve();
    const { status, body, headers } = await read<ApiTask[]>(url);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      success: true,
      pagination: { total: 130, limit: 50, offset: 0, hasMore: true },
    });
    expect(body.data).toHaveLength(50);
    expect(body.data[0]).toEqual(taskAt('t129', 129_000));
    expect(headers.get('date')).toBe('Fri, 20 Nov 2026 12:00:00 GMT');
  });

  test('clamps limit to 100', async () => {
    const { url } = await serve();
    const { body } = await read(`${url}?limit=5000&offset=90`);
    expect(body.data).toHaveLength(40);
    expect(body.pagination).toEqual({ total: 130, limit: 100, offset: 90, hasMore: false });
  });

  test.each(['limit=0', 'limit=-1', 'limit=ten', 'limit=', 'limit=1.5', 'offset=-1', 'offset=1e3'])(
    'refuses %s',
    async (query) => {
      const { url } = await serve();
      const { status, body } = await read(`${url}?${query}`);
      expect([status, body.error.code]).toEqual([400, 'VALIDATION_ERROR']);
    },
  );

  test('may be changed between two requests', async () => {
    const list = new SimulatedList([taskAt('a', 1), taskAt('b', 2)]);
    const { url } = await serve({
      list,
      onRequest: ({ number, kind, path }) => {
        if (number === 2) list.remove('b');
        expect([kind, path]).toEqual(['list', '/api/v1/tasks?limit=1']);
      },
    });
    const first = await read<ApiTask[]>(`${url}?limit=1`);
    const second = await read<ApiTask[]>(`${url}?limit=1`);
    expect([first.body.data[0]?.id, second.body.data[0]?.id]).toEqual(['b', 'a']);
  });
});

describe('one task', () => {
  test('comes without the sort key and the message count', async () => {
    const { url } = await serve();
    const { lastActivityAt, messageCount: _, ...detail } = taskAt('t7', 7_000);
    const { status, body } = await read(`${url}/t7`);
    expect(status).toBe(200);
    expect(body.data).toEqual({
      ...detail,
      output: { content: expect.any(String), updatedAt: lastActivityAt },
    });
    expect('lastActivityAt' in body.data || 'messageCount' in body.data).toBe(false);
    expect((await read(`${url}/t7`)).body).toEqual(body);
  });

  test('says what waits for approval', async () => {
    const list = new SimulatedList([taskAt('a', 1, { status: 'awaiting_approval', completedAt: null })]);
    const { url } = await serve({ list });
    const { body } = await read(`${url}/a`);
    expect(body.data['pendingApprovals']).toHaveLength(1);
    expect(body.data['output']).toBeUndefined();
  });

  test('has a history of as many messages as it counts, oldest first', async () => {
    const list = new SimulatedList([
      taskAt('a', 60_000, { createdAt: taskAt('', 0).createdAt, messageCount: 5 }),
    ]);
    const { url } = await serve({ list });
    const { messages, ...about } = (await read<ReturnType<typeof historyOf>>(`${url}/a/history`)).body.data;
    expect(about).toEqual({
      taskId: 'a',
      conversationId: taskAt('a', 0).conversationId,
      status: 'completed',
    });
    const roles = messages.map(({ role }) => role);
    expect(roles).toEqual(['user', 'assistant', 'user', 'assistant', 'user']);
    expect(messages[0]?.content).toBe('What is 2+2?');
    const times = messages.map(({ createdAt }) => createdAt);
    expect(times).toEqual(times.toSorted());
  });

  test.each(['/nobody', '/nobody/history', '/t1/cancel'])(
    'that is not there is NOT_FOUND: %s',
    async (path) => {
      const { url } = await serve();
      const { status, body } = await read(url + path);
      expect([status, body.success, body.error.code]).toEqual([404, false, 'NOT_FOUND']);
    },
  );
});

test.each([
  ['no key', {}, 'AUTH_REQUIRED'],
  ['another scheme', { authorization: `Basic ${KEY}` }, 'INVALID_AUTH_FORMAT'],
  ['something that is no key', { authorization: 'Bearer secret' }, 'INVALID_AUTH_FORMAT'],
  ['an unknown key', { authorization: 'Bearer sigmic_other' }, 'INVALID_API_KEY'],
])('%s is refused', async (_, headers, code) => {
  const { url } = await serve();
  const { status, body } = await read(url, headers);
  expect([status, body.success, body.error.code]).toEqual([401, false, code]);
});

test('requests are counted by kind', async () => {
  const { url, stats } = await serve();
  await read(url);
  await read(url, {});
  await read(`${url}/t1`);
  await read(`${url}/t1/history`);
  expect(stats).toEqual({ list: 2, get: 1, history: 1, faults: 0 });
});

describe('the server', () => {
  test('close ends a request that is being answered, and can be called again', async () => {
    const arrived = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    onTestFinished(() => gate.resolve());
    const { app } = createApi({
      list: new SimulatedList(),
      keys: [KEY],
      now: () => NOW,
      onRequest: () => {
        arrived.resolve();
        return gate.promise;
      },
    });
    const server = await startServer(app);
    const answer = fetch(`${server.url}/api/v1/tasks`, { headers: AUTHORIZED }).catch(
      (error: unknown) => error,
    );
    await arrived.promise;
    await server.close();
    expect(await answer).toHaveProperty('message', 'fetch failed');
    await server.close();
  });

  test('a port that is taken is an error', async () => {
    const { app } = createApi({ list: new SimulatedList(), keys: [KEY], now: () => NOW });
    const server = await startServer(app);
    onTestFinished(server.close);
    await expect(startServer(app, { port: Number(new URL(server.url).port) })).rejects.toThrow('EADDRINUSE');
  });
});
