import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import type { ApiTask } from '../../src/source/simulated/list.ts';
import { openMirrorStore } from '../../src/store/sqlite/store.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { Log } from '../../src/model/log.ts';
import type { MirrorStore } from '../../src/store/store.ts';

/** Creates a folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'taskmirror-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Creates a mirror in its own file, closed after the test. */
export async function temporaryMirror(
  clock: Clock,
  options: { searchIndex?: boolean } = {},
): Promise<{ store: MirrorStore; file: string }> {
  const file = join(temporaryFolder(), 'mirror.db');
  const store = await openMirrorStore(file, { create: true, clock, omit: new Set(), ...options });
  onTestFinished(() => store.close());
  return { store, file };
}

/** Returns what a mirror holds, as the API would send it, newest activity first; ties by id. */
export function mirroredTasks(file: string): ApiTask[] {
  return readRows<Record<string, never>>(
    file,
    'select * from tasks where removed_at is null order by last_activity_at desc, id',
  ).map((row) => ({
    id: row['id'] ?? '',
    apiKeyId: row['api_key_id'] ?? '',
    username: row['username'] ?? '',
    sessionId: row['session_id'] ?? '',
    conversationId: row['conversation_id'] ?? '',
    status: row['status'] ?? '',
    message: row['message'] ?? '',
    systemPrompt: row['system_prompt'] ?? null,
    showInHistory: row['show_in_history'] === 1,
    autoExecute: row['auto_execute'] === 1,
    env: row['env'] === null ? null : (JSON.parse(row['env'] ?? 'null') as Record<string, unknown>),
    error: row['error'] ?? null,
    createdAt: row['created_at'] ?? '',
    startedAt: row['started_at'] ?? null,
    completedAt: row['completed_at'] ?? null,
    lastActivityAt: row['last_activity_at'] ?? '',
    messageCount: row['message_count'] ?? -1,
  }));
}

/** Returns the tasks in the order of {@link mirroredTasks}. */
export function inMirrorOrder(tasks: readonly ApiTask[]): ApiTask[] {
  return tasks.toSorted(
    (a, b) => Date.parse(b.lastActivityAt) - Date.parse(a.lastActivityAt) || (a.id < b.id ? -1 : 1),
  );
}

/** Runs a query on the file with its own connection. */
export function readRows<T>(file: string, sql: string): T[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare<[], T>(sql).all();
  } finally {
    db.close();
  }
}

/** Creates a log that keeps its lines. */
export function memoryLog(): Log & { lines: { level: string; fields: object; message: string }[] } {
  const lines: { level: string; fields: object; message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
