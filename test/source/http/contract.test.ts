import { taskSourceContract } from '../../contracts/task-source.ts';
import { apiError, json, startServer, testSource } from './loopback.ts';

taskSourceContract('HTTP client', async (initial) => {
  let tasks: Record<string, unknown>[] = [];
  const setTasks = (next: object[]) => void (tasks = next.map((task) => ({ ...task })));
  setTasks(initial);

  const server = await startServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://127.0.0.1');
    if (url.pathname === '/api/v1/tasks') {
      const offset = Number(url.searchParams.get('offset'));
      const limit = Math.min(Number(url.searchParams.get('limit')), 100);
      const data = tasks.slice(offset, offset + limit);
      const pagination = { total: tasks.length, limit, offset, hasMore: offset + limit < tasks.length };
      return json(200, { success: true, data, pagination })(response);
    }
    const id = decodeURIComponent(url.pathname.replace('/api/v1/tasks/', ''));
    const task = tasks.find((one) => one['id'] === id);
    if (task === undefined) return apiError(404, 'NOT_FOUND')(response);
    const { lastActivityAt: _time, messageCount: _count, ...detail } = task;
    const output = { content: 'done', updatedAt: task['completedAt'] };
    return json(200, { success: true, data: { ...detail, output } })(response);
  });
  return { source: testSource(server.url).source, setTasks, close: () => server.close() };
});
