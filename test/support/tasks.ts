import type { ApiTask } from '../../src/source/simulated/list.ts';

export const EPOCH = Date.parse('2026-02-01T00:00:00.000Z');

export function at(ms: number): string {
  return new Date(ms).toISOString();
}

/** Returns a completed task whose last activity is `activity` ms. */
export function completedTask(id: string, activity: number, fields: Partial<ApiTask> = {}): ApiTask {
  return {
    id,
    apiKeyId: 'key-1',
    username: 'ada',
    sessionId: 'session-1',
    conversationId: '1769442659997-70avfyadp',
    status: 'completed',
    message: `Task ${id}`,
    systemPrompt: null,
    showInHistory: true,
    autoExecute: true,
    env: null,
    error: null,
    createdAt: at(activity - 60_000),
    startedAt: at(activity - 50_000),
    completedAt: at(activity),
    lastActivityAt: at(activity),
    messageCount: 2,
    ...fields,
  };
}

/** Returns a running task that was started at `activity` ms. */
export function runningTask(id: string, activity: number, fields: Partial<ApiTask> = {}): ApiTask {
  return completedTask(id, activity, {
    status: 'running',
    startedAt: at(activity),
    completedAt: null,
    ...fields,
  });
}

/** Returns `count` completed tasks, `spacing` ms apart, the newest at EPOCH. */
export function tasksApart(count: number, spacing: number): ApiTask[] {
  return Array.from({ length: count }, (_, i) =>
    completedTask(`t${String(i).padStart(6, '0')}`, EPOCH - i * spacing),
  );
}
