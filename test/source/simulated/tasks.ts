import type { ApiTask } from '../../../src/source/simulated/list.ts';

/** A completed task of this id whose last activity was at `activity` ms since the epoch. */
export function taskAt(id: string, activity: number, fields: Partial<ApiTask> = {}): ApiTask {
  const time = new Date(activity).toISOString();
  return {
    id,
    apiKeyId: '82344182-b81e-4f9a-8e7f-c14d8324caac',
    username: 'testuser',
    sessionId: '80513b3f-9030-4776-a209-f2d96b1abce1',
    conversationId: '1769442659997-70avfyadp',
    status: 'completed',
    message: 'What is 2+2?',
    systemPrompt: null,
    showInHistory: true,
    autoExecute: true,
    env: null,
    error: null,
    createdAt: time,
    startedAt: time,
    completedAt: time,
    lastActivityAt: time,
    messageCount: 2,
    ...fields,
  };
}

export const idsOf = (tasks: readonly ApiTask[]): string[] => tasks.map(({ id }) => id);
