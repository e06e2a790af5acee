import { deriveLastActivityAt, utcText } from '../../model/task.ts';
import type { ApiTask } from './list.ts';
import { writeMessage } from './messages.ts';
import type { Random } from './random.ts';
import type { Member } from './team.ts';
import { fill } from './words.ts';

/** The origin of a task: one agent session, in which a member may create several tasks. */
export interface Session {
  member: Member;
  sessionId: string;
  conversationId: string;
}

/** Begins a session, and its first conversation, at `at` (ms since the epoch). */
export function newSession(member: Member, at: number, random: Random): Session {
  return { member, sessionId: random.uuid(), conversationId: newConversationId(at, random) };
}

/** Returns a conversation id in the API's form: its beginning in ms, and nine characters. */
export function newConversationId(at: number, random: Random): string {
  return `${at}-${random.base36(9)}`;
}

/** Creates a task at `createdAt` (ms since the epoch) that waits to be started. */
export function newTask(session: Session, createdAt: number, random: Random): ApiTask {
  const created = utcText(createdAt);
  return {
    id: random.uuid(),
    apiKeyId: session.member.apiKeyId,
    username: session.member.username,
    sessionId: session.sessionId,
    conversationId: session.conversationId,
    status: 'pending',
    message: writeMessage(session.member.trade, random),
    systemPrompt: random.chance(0.25) ? random.pick(SYSTEM_PROMPTS) : null,
    showInHistory: random.chance(0.95),
    autoExecute: random.chance(0.85),
    env: random.chance(0.15) ? newEnv(random) : null,
    error: null,
    createdAt: created,
    startedAt: null,
    completedAt: null,
    lastActivityAt: created,
    messageCount: 0,
  };
}

/** Changes these fields of the task itself, derives lastActivityAt again, and returns the task. */
export function update(task: ApiTask, fields: Partial<ApiTask>): ApiTask {
  Object.assign(task, fields);
  task.lastActivityAt = deriveLastActivityAt(task);
  return task;
}

const SYSTEM_PROMPTS = [
  'You are a careful reviewer. Quote file and line for every remark. Do not change code.',
  'Answer in the language of the question. Be brief.',
  'You work for the support team. Never promise refunds; point to the terms instead.',
  'Use only the tables that are documented in docs/warehouse.md. Read-only access.',
  'You are on call.\n- Ask before you restart anything.\n- Write every command into the log.\n- Stop at the first surprise.',
  'Cite a primary source for each number. If there is none, say so.',
];

function newEnv(random: Random): Record<string, unknown> {
  const region = fill('{region}', random);
  return random.pick<() => Record<string, unknown>>([
    () => ({ REPO: fill('{repo}', random), BRANCH: fill('fix/{ticket}', random) }),
    () => ({ REGION: region, DRY_RUN: random.chance(0.5), MAX_ROWS: random.int(100, 50_000) }),
    () => ({ TICKET: fill('{ticket}', random), CUSTOMER: fill('{company}', random), LOCALE: 'de-CH' }),
    () => ({ schedule: { cron: '0 2 * * *', timezone: 'UTC' }, targets: [region, 'staging'] }),
    () => ({}),
  ])();
}
