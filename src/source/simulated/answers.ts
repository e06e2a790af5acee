import type { ApiTask } from './list.ts';
import { writeReply } from './messages.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import { fill } from './words.ts';

/** One message of a conversation, as GET /tasks/{id}/history returns it. */
export interface ApiMessage {
  id: string;
  role: 'user' | 'assistant';
  content: string;
  createdAt: string;
  thoughts?: string;
  toolCalls?: { name: string; input: Record<string, unknown> }[];
}

/** Most messages of a conversation that are returned, whatever messageCount says. */
const MAX_MESSAGES = 1_000;

/** Returns the answer of GET /tasks/{id}; the same for the same task (docs.sigmic.ai, tasks/get). */
export function detailOf(task: ApiTask): Record<string, unknown> {
  const { lastActivityAt, messageCount: _, ...detail } = task;
  const random = randomOf(task);
  if (task.status === 'completed') {
    return { ...detail, output: { content: writeReply(random), updatedAt: lastActivityAt } };
  }
  if (task.status === 'awaiting_approval') {
    const approval = { id: random.uuid(), ...toolCall(random), createdAt: lastActivityAt };
    return { ...detail, pendingApprovals: [approval] };
  }
  return detail;
}

/** Returns the answer of GET /tasks/{id}/history: as many messages as the task counts, oldest first. */
export function historyOf(task: ApiTask): {
  taskId: string;
  conversationId: string;
  status: string;
  messages: ApiMessage[];
} {
  const random = randomOf(task);
  const begin = Date.parse(task.createdAt);
  const count = Math.min(task.messageCount, MAX_MESSAGES);
  const spacing = (Date.parse(task.lastActivityAt) - begin) / Math.max(1, count - 1);
  const messages = Array.from({ length: count }, (_, nth): ApiMessage => {
    const id = random.uuid();
    const createdAt = new Date(begin + Math.floor(nth * spacing)).toISOString();
    if (nth === 0) return { id, role: 'user', content: task.message, createdAt };
    if (nth % 2 === 0) return { id, role: 'user', content: random.pick(FOLLOW_UPS), createdAt };
    const reply = { id, role: 'assistant', content: writeReply(random), createdAt } as const;
    return random.chance(0.3)
      ? { ...reply, thoughts: 'First the logs.', toolCalls: [toolCall(random)] }
      : reply;
  });
  return { taskId: task.id, conversationId: task.conversationId, status: task.status, messages };
}

const FOLLOW_UPS = [
  'Thanks. Can you also do it for the other region?',
  'Not quite: please leave the old format as it is.',
  'Go on.',
  'Und bitte noch auf Deutsch.',
];

function toolCall(random: Random): { name: string; input: Record<string, unknown> } {
  return {
    name: fill('{tool}', random),
    input: { target: fill('{repo}/{file}', random), limit: random.int(1, 100) },
  };
}

/** Returns chance that depends on the task's id only (FNV-1a), so that asking twice gives the same answer. */
function randomOf(task: ApiTask): Random {
  let hash = 0x811c9dc5;
  for (const character of task.id) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return createRandom(hash);
}
