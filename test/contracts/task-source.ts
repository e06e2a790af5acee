import { afterEach, describe, expect, test } from 'vitest';

import type { ListPage, TaskSource } from '../../src/source/source.ts';

/** A source under test, and a way to change the list behind it. */
export interface SourceUnderTest {
  source: TaskSource;
  setTasks: (tasks: object[]) => void;
  close(): Promise<void>;
}

const HEAD = Date.UTC(2026, 0, 26, 15, 56);

/** Row `index` of a list as the API sends it (docs.sigmic.ai, tasks/list): the higher the index, the older. */
export function wireTask(index: number, changes: object = {}): Record<string, unknown> {
  const at = (seconds: number) => new Date(HEAD - index * 60_000 + seconds * 1000).toISOString();
  return {
    id: `task-${index}`,
    apiKeyId: 'key-1',
    username: 'testuser',
    sessionId: `session-${index}`,
    conversationId: `conversation-${index}`,
    status: 'completed',
    message: `What is ${index}+2?`,
    systemPrompt: null,
    showInHistory: true,
    autoExecute: false,
    env: null,
    error: null,
    createdAt: at(-30),
    startedAt: at(-20),
    completedAt: at(0),
    lastActivityAt: at(0),
    messageCount: 2,
    ...changes,
  };
}

const rows = (count: number) => Array.from({ length: count }, (_, index) => wireTask(index));
const ids = (page: ListPage) => page.rows.map((row) => row.task?.id);
const context = () => ({ signal: new AbortController().signal });

/**
 * What every TaskSource has to hold. `make` serves rows as the API sends them, in the order given (the suite
 * gives them newest first), at most 100 a page, to GET of one task as well, and omits no field.
 */
export function taskSourceContract(name: string, make: (tasks: object[]) => Promise<SourceUnderTest>): void {
  describe(`TaskSource contract: ${name}`, () => {
    const opened: SourceUnderTest[] = [];
    const open = async (tasks: object[]): Promise<SourceUnderTest> => {
      const made = await make(tasks);
      opened.push(made);
      return made;
    };
    afterEach(async () => {
      for (const made of opened.splice(0)) await made.close();
    });

    test('pages follow each other in the order of the list, and the last one says so', async () => {
      const { source } = await open(rows(5));
      const first = await source.list({ offset: 0, limit: 2 }, context());
      const second = await source.list({ offset: 2, limit: 2 }, context());
      const last = await source.list({ offset: 4, limit: 2 }, context());
      expect([first, second, last].flatMap(ids)).toEqual(['task-0', 'task-1', 'task-2', 'task-3', 'task-4']);
      expect([first, second, last].map((page) => page.hasMore)).toEqual([true, true, false]);
      expect([first, second, last].map((page) => page.total)).toEqual([5, 5, 5]);
    });

    test('a page that ends exactly at the end of the list has no more', async () => {
      const { source } = await open(rows(4));
      expect(await source.list({ offset: 2, limit: 2 }, context())).toMatchObject({
        hasMore: false,
        total: 4,
      });
    });

    test('an empty list is a page without rows', async () => {
      const { source } = await open([]);
      const page = await source.list({ offset: 0, limit: 100 }, context());
      expect(page).toMatchObject({ rows: [], hasMore: false, total: 0 });
    });

    test('an offset beyond the end gives no rows and no more', async () => {
      const { source } = await open(rows(3));
      const page = await source.list({ offset: 50, limit: 10 }, context());
      expect(page).toMatchObject({ rows: [], hasMore: false });
    });

    test('a limit over 100 may be clamped, but the rows are the first of the list', async () => {
      const { source } = await open(rows(150));
      const page = await source.list({ offset: 0, limit: 500 }, context());
      expect(page.rows.length).toBeGreaterThanOrEqual(100);
      expect(ids(page)).toEqual(rows(page.rows.length).map((row) => row['id']));
      expect(page.hasMore).toBe(page.rows.length < 150);
    });

    test('the next page shows the list as it is by then', async () => {
      const { source, setTasks } = await open(rows(3));
      await source.list({ offset: 0, limit: 2 }, context());
      setTasks([wireTask(-1), ...rows(3)]);
      const page = await source.list({ offset: 2, limit: 2 }, context());
      expect(ids(page)).toEqual(['task-1', 'task-2']);
      expect(page.total).toBe(4);
    });

    test('all 17 fields arrive exactly, unicode, newlines, nulls and nested values included', async () => {
      const text = 'Zeile 1\r\nline 2\t"quoted" \\ 日本語 🧑‍🚀 \u0000 e\u0301 \u2028 end ';
      const env = { NAME: text, nested: { list: [1, 2.5, null, true, { a: '' }] }, '': 'empty key' };
      const fields = {
        id: 'id/with ?#% and ü',
        status: 'a_new_status',
        message: text,
        systemPrompt: text,
        error: text,
      };
      const row = wireTask(0, { ...fields, env, completedAt: null, messageCount: 0, showInHistory: false });
      const { source } = await open([row]);
      const page = await source.list({ offset: 0, limit: 100 }, context());
      const expected = { ...row, env: JSON.stringify(env), extra: null };
      expect(page.rows).toEqual([{ task: expected, activity: HEAD }]);
    });

    test('fields that are not known are kept in extra, as JSON text', async () => {
      const { source } = await open([wireTask(0, { priority: 3, labels: ['a', { b: null }] })]);
      const page = await source.list({ offset: 0, limit: 1 }, context());
      expect(page.rows[0]?.task?.extra).toBe('{"priority":3,"labels":["a",{"b":null}]}');
    });

    test('a row that does not validate keeps its place, with its id, its activity and the reason', async () => {
      const bad = wireTask(1, { messageCount: -1 });
      const { source } = await open([wireTask(0), bad, wireTask(2)]);
      const page = await source.list({ offset: 0, limit: 3 }, context());
      expect(ids(page)).toEqual(['task-0', undefined, 'task-2']);
      const row = page.rows[1];
      expect(row).toMatchObject({ rejected: { id: 'task-1' }, activity: HEAD - 60_000 });
      expect(row?.rejected?.reason).toContain('messageCount');
      expect(JSON.parse(row?.rejected?.payload ?? '')).toEqual(bad);
    });

    test('a row whose time cannot be read is rejected without an activity', async () => {
      const { source } = await open([wireTask(0, { lastActivityAt: 'yesterday' }), wireTask(1)]);
      const page = await source.list({ offset: 0, limit: 3 }, context());
      expect(page.rows[0]).toMatchObject({ rejected: { id: 'task-0' }, activity: null });
      expect(page.rows[1]?.task?.id).toBe('task-1');
    });

    test('GET of a task gives what the list gives, less what only the list has', async () => {
      const { source } = await open([wireTask(0), wireTask(1, { id: 'a/b', env: { A: 'b' }, priority: 3 })]);
      const page = await source.list({ offset: 1, limit: 1 }, context());
      const listOnly = ['lastActivityAt', 'messageCount', 'extra'];
      const fields = Object.entries(page.rows[0]?.task ?? {});
      const detail = Object.fromEntries(fields.filter(([field]) => !listOnly.includes(field)));
      expect(detail).toMatchObject({ id: 'a/b', env: '{"A":"b"}' });
      expect(await source.get('a/b', context())).toEqual(detail);
    });

    test('GET of a task that does not exist is null', async () => {
      const { source } = await open([wireTask(0)]);
      expect(await source.get('task-9', context())).toBeNull();
    });

    test('GET of a task that does not validate is rejected', async () => {
      const { source } = await open([wireTask(0, { status: null })]);
      const answer = await source.get('task-0', context());
      expect(answer).toMatchObject({ rejected: { id: 'task-0' } });
    });

    test('every request is counted', async () => {
      const { source } = await open(rows(2));
      let requests = 0;
      const counting = { ...context(), onRequest: () => (requests += 1) };
      await source.list({ offset: 0, limit: 2 }, counting);
      await source.get('task-0', counting);
      await source.get('task-9', counting);
      expect(requests).toBe(3);
    });

    test('an aborted signal rejects with its reason, and no request is sent', async () => {
      const { source } = await open(rows(2));
      const reason = new Error('stop');
      let requests = 0;
      const aborted = { signal: AbortSignal.abort(reason), onRequest: () => (requests += 1) };
      await expect(source.list({ offset: 0, limit: 2 }, aborted)).rejects.toBe(reason);
      await expect(source.get('task-0', aborted)).rejects.toBe(reason);
      expect(requests).toBe(0);
    });

    test('a signal that aborts while the request is under way rejects with its reason', async () => {
      const { source } = await open(rows(2));
      const reason = new Error('stop');
      const controller = new AbortController();
      const stopping = { signal: controller.signal, onRequest: () => controller.abort(reason) };
      await expect(source.list({ offset: 0, limit: 2 }, stopping)).rejects.toBe(reason);
    });
  });
}
