import { createHash } from 'node:crypto';
import type { RejectedRow } from '../../src/model/task.ts';
import type { Task, TaskDetail } from '../../src/model/task.ts';

/** Returns what GET shows of the task: all but the sort key, the message count and unknown fields. */
export function detailOf(task: Task): TaskDetail {
  const { lastActivityAt: _activity, messageCount: _count, extra: _extra, ...detail } = task;
  return detail;
}

/** Returns a key that is equal for two tasks if GET shows the same of them. */
export function detailKey(task: TaskDetail): string {
  return JSON.stringify([
    task.id,
    task.apiKeyId,
    task.username,
    task.sessionId,
    task.conversationId,
    task.status,
    task.message,
    task.systemPrompt,
    task.showInHistory,
    task.autoExecute,
    task.env,
    task.error,
    task.createdAt,
    task.startedAt,
    task.completedAt,
  ]);
}

/** Returns a key that is equal for two tasks if all their fields are. */
export function taskKey(task: Task): string {
  return `${detailKey(task)}${task.lastActivityAt}|${task.messageCount}|${task.extra}`;
}

/** Returns the key under which the mirror keeps this rejection: the id, or a hash if it has none. */
export function rejectionKey({ id, payload }: RejectedRow): string {
  return id ?? `sha256:${createHash('sha256').update(payload).digest('hex')}`;
}
