import { createHash } from 'node:crypto';
import type { RejectedRow } from '../../src/model/task.ts';
import type { Task, TaskDetail } from '../../src/model/task.ts';

/** What GET tells of the task: all but the sort key, the message count and what is unknown. */
export function detailOf(task: Task): TaskDetail {
  const { lastActivityAt: _activity, messageCount: _count, extra: _extra, ...detail } = task;
  return detail;
}

/** Equal for two tasks if GET tells the same of them. */
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

/** Equal for two tasks if all their fields are. */
export function taskKey(task: Task): string {
  return `${detailKey(task)}${task.lastActivityAt}|${task.messageCount}|${task.extra}`;
}

/** The key under which the mirror keeps this rejection: the id, or a hash where there is none. */
export function rejectionKey({ id, payload }: RejectedRow): string {
  return id ?? `sha256:${createHash('sha256').update(payload).digest('hex')}`;
}
