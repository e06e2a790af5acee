import { onTestFinished } from 'vitest';
import { askedOf, runReport, type Scope } from '../../src/reports/index.ts';
import type { Asked } from '../../src/reports/ask.ts';
import type { Section } from '../../src/reports/report.ts';
import Database from 'better-sqlite3';
import { READER_INDEXES } from '../../src/store/sqlite/reader-indexes.ts';
import { openReportable } from '../../src/store/sqlite/reports/reportable.ts';
import type { Task } from '../../src/model/task.ts';
import { changeOf } from '../contracts/mirror-store.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { temporaryMirror } from '../support/mirror.ts';
import type { MirrorClaim } from '../../src/store/store.ts';

/** Monday. */
export const NOW = Date.parse('2026-03-30T12:00:00.000Z');

/** What the tests of reports need of a task; times as UTC text. */
export function taskOf(id: string, status: string, createdAt: string, fields: Partial<Task> = {}): Task {
  const times = [createdAt, fields.startedAt ?? createdAt, fields.completedAt ?? createdAt];
  return {
    id,
    apiKeyId: 'key-1',
    username: 'ada',
    sessionId: 's1',
    conversationId: 'c1',
    status,
    message: `Task ${id}`,
    systemPrompt: null,
    showInHistory: true,
    autoExecute: true,
    env: null,
    error: null,
    createdAt,
    startedAt: null,
    completedAt: null,
    lastActivityAt: times.toSorted().at(-1) ?? createdAt,
    messageCount: 0,
    extra: null,
    ...fields,
  };
}

/** Moments of one task from what it took: so many ms in the queue, then so many at work. */
export function took(createdAt: string, queueMs: number, runMs: number): Partial<Task> {
  const started = Date.parse(createdAt) + queueMs;
  return {
    startedAt: new Date(started).toISOString(),
    completedAt: new Date(started + runMs).toISOString(),
  };
}

export interface Answers {
  file: string;
  claim: MirrorClaim;
  clock: FakeClock;
  asked: Asked;
  /** The sections of a report, each as objects by the names of its columns. */
  report: (name: string, scope?: Partial<Scope>) => Promise<Record<string, Record<string, unknown>[]>>;
  /** Builds the indexes that only readers need. */
  index: () => void;
}

/** A mirror of these tasks, and what reports on it say. The clock of its writer stands at NOW. */
export async function mirrorOf(tasks: readonly Task[]): Promise<Answers> {
  const clock = createFakeClock(NOW);
  const { store, file } = await temporaryMirror(clock);
  const claim = await store.claim({ name: 'default', baseUrl: 'https://api.example' });
  await claim.commit(changeOf({ tasks }));
  const mirror = openReportable(file);
  onTestFinished(() => mirror.close());
  const asked = askedOf(mirror);
  return {
    file,
    claim,
    clock,
    asked,
    async report(name, scope = {}) {
      const { sections } = await runReport(name, asked, { ...EVERYTHING, ...scope });
      return Object.fromEntries(sections.map((section) => [section.name, objectsOf(section)]));
    },
    index() {
      const db = new Database(file);
      for (const { create } of READER_INDEXES) db.exec(create);
      db.close();
    },
  };
}

/** All of a mirror, in UTC. */
export const EVERYTHING: Scope = {
  since: null,
  until: null,
  user: null,
  status: null,
  limit: null,
  timezone: 'UTC',
  now: NOW,
};

export function objectsOf({ columns, rows }: Section): Record<string, unknown>[] {
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index]])));
}

/** One line for each row: its values, null as -. */
export function linesOf(rows: readonly object[] | undefined): string[] {
  return (rows ?? []).map((row) =>
    Object.values(row as Record<string, string | number | null>)
      .map((value) => value ?? '-')
      .join(' '),
  );
}
