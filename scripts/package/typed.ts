/** What a user's compiler sees: every type by its name, and what must not compile. */
export const TYPED = `
import {
  ApiFailedError, DatabaseError, InterruptedError, KeyRefusedError, LeaseHeldError, openMirror, openMirrorReadOnly,
  reportOf, SafetyStopError, TaskmirrorError, UsageError,
} from 'taskmirror';
import type {
  ChangeEvent, ChangesOptions, FieldChange, Log, Mirror, OmittableField, OpenMirrorOptions, Outcome, Plan, Progress, Query, QueryParameters, ReadOnlyMirror,
  RetentionSettings, Row, RunKind, SourceStatus, SqlValue, SyncOptions, SyncReport, SyncSettings, TaskChange, UpsertCounts,
  Verdict,
} from 'taskmirror';

const field: OmittableField = 'systemPrompt';
const opening: OpenMirrorOptions = { create: false, omitFields: [field], searchIndex: undefined };
const log: Log = console;
const rate: SyncSettings['maxRequestsPerSecond'] = null;
const retention: Partial<RetentionSettings> = { changesDays: 30 };
const options: SyncOptions = {
  apiKey: 'x', pageSize: 50, concurrency: undefined, signal: undefined, maxRequestsPerSecond: rate, retention, log,
  onProgress: (progress: Progress) => console.log(progress.requests),
};

export async function use(): Promise<UpsertCounts> {
  await using mirror: Mirror = await openMirror('./library.db', opening);
  const reader: ReadOnlyMirror = await openMirrorReadOnly('./library.db');
  try {
    const report: SyncReport = await mirror.sync(options);
    const kind: RunKind | null = report.kind;
    const outcome: Outcome = report.outcome;
    const verdict: Verdict | null = report.verdict;
    const plan: Plan | null = report.plan;
    const statuses: SourceStatus[] = await reader.status();
    const values: QueryParameters = { since: '2026-01-01', most: 5, shown: true };
    const query: Query = mirror.query('select :since, :most, :shown', values);
    for await (const row of query) console.log(Object.values<SqlValue>(row), kind, outcome, verdict, plan, statuses);
    const rows: Row[] = await reader.query('select 1 as one').all();
    for (const { id } of await mirror.query<{ id: string }>('select id from tasks').all()) console.log(id.length, rows);
    const wanted: ChangesOptions = { since: 'start', status: 'failed', source: ['default'], signal: undefined };
    for await (const change of reader.changes(wanted)) {
      const { seq, event, changes, task }: TaskChange = change;
      const [first]: readonly FieldChange[] = changes;
      const what: ChangeEvent = event;
      console.log(seq, what, first?.oldValue, task['status']);
    }
    return report;
  } catch (error) {
    const known = [
      ApiFailedError, DatabaseError, InterruptedError, KeyRefusedError, LeaseHeldError, SafetyStopError, UsageError,
    ];
    if (known.some((kind) => error instanceof kind) && error instanceof TaskmirrorError) console.log(error.message);
    return reportOf(error) ?? { inserted: 0, updated: 0, unchanged: 0 };
  } finally {
    await reader.close();
  }
}

export async function misuse(mirror: Mirror, reader: ReadOnlyMirror): Promise<void> {
  // @ts-expect-error: a page size is a number
  await mirror.sync({ apiKey: 'x', pageSize: '50' });
  // @ts-expect-error: there is no sync without a key
  await mirror.sync({});
  // @ts-expect-error: omitFields is said when the mirror is opened
  await mirror.sync({ apiKey: 'x', omitFields: ['env'] });
  // @ts-expect-error: the mirror needs this field
  await openMirror('./library.db', { omitFields: ['status'] });
  // @ts-expect-error: nobody is handed the store
  await mirror.claim({ name: 'default', baseUrl: '' });
  // @ts-expect-error: who only reads does not sync
  await reader.sync({ apiKey: 'x' });
  // @ts-expect-error: a cursor is a number, start or now
  mirror.changes({ since: '2026-01-01' });
  // @ts-expect-error: a date is no value of a parameter
  mirror.query('select :since', { since: new Date() });
}
`;
