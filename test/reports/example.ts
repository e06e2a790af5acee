import { type Answers, mirrorOf, taskOf, took } from './kit.ts';

/**
 * Eleven tasks of four days, the last of them removed. In Berlin 2026-03-29 has 23 hours: at 01:00 UTC the clock moves
 * from +01:00 to +02:00.
 */
export async function exampleMirror(): Promise<Answers> {
  const tasks = [
    task('a1', 'completed', '2026-03-27T22:30:00.000Z', [1_000, 10_000], { sessionId: 's1' }),
    task('a2', 'completed', '2026-03-27T23:30:00.000Z', [2_000, 20_000], { sessionId: 's1' }),
    task('a3', 'failed', '2026-03-28T10:00:00.000Z', [3_000, 30_000], {
      sessionId: 's2',
      error: 'Tool x timed out after 100 ms',
    }),
    task('b1', 'failed', '2026-03-28T10:15:00.000Z', [], {
      ...BOB,
      error: 'Tool x timed out after 250 ms',
      messageCount: 3,
    }),
    task('b2', 'failed', '2026-03-29T00:30:00.000Z', [4_000, 40_000], BOB),
    task('b3', 'cancelled', '2026-03-29T10:00:00.000Z', [], BOB),
    task('a4', 'completed', '2026-03-29T22:15:00.000Z', [5_000, 50_000], { sessionId: 's2' }),
    task('b4', 'running', '2026-03-30T09:00:00.000Z', [1_000], { ...BOB, sessionId: 's4' }),
    task('a5', 'awaiting_approval', '2026-03-30T10:00:00.000Z', [2_000], { sessionId: 's2' }),
    task('e1', 'pending', '2026-03-30T11:00:00.000Z', [], EVE),
    task('gone', 'failed', '2026-03-30T08:00:00.000Z', [9_000_000, 9_000_000], { ...EVE, error: 'lost' }),
  ];
  const mirror = await mirrorOf(tasks);
  await mirror.claim.remove(['gone']);
  return mirror;
}

const BOB = { username: 'bob', apiKeyId: 'key-2', sessionId: 's3', conversationId: 'c2' };
const EVE = { username: 'eve', apiKeyId: 'key-3', sessionId: 's5', conversationId: 'c3' };

function task(
  id: string,
  status: string,
  createdAt: string,
  [queueMs, runMs]: readonly number[],
  fields: Parameters<typeof taskOf>[3],
) {
  if (queueMs === undefined) return taskOf(id, status, createdAt, fields);
  const { startedAt = null, completedAt = null } = took(createdAt, queueMs, runMs ?? 0);
  return taskOf(id, status, createdAt, {
    startedAt,
    completedAt: runMs === undefined ? null : completedAt,
    ...fields,
  });
}
