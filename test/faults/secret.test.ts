import { existsSync, readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { InterruptedError } from '../../src/model/errors.ts';
import type { SyncResult } from '../../src/sync/sync.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { FAULTS } from './answers.ts';
import { type FaultyApi, serveList } from './api.ts';
import { type FaultBench, faultBench, KEY } from './run.ts';

/** A part of the key is too much as well; so is what hides it only from the eye. */
const FORMS = [KEY.slice(0, 12), KEY.slice(-8), Buffer.from(KEY).toString('base64').slice(0, 12)];

/** A mirror whose WAL nobody empties, so that every byte that was ever written is still there to be searched. */
async function bench(): Promise<{ bench: FaultBench; list: SimulatedList; api: FaultyApi }> {
  const made = await faultBench({ retryMs: 2_000 });
  const list = new SimulatedList(tasksApart(150, 60_000));
  const api = await serveList(list);
  await made.sync(api);
  const reader = new Database(made.file, { readonly: true });
  onTestFinished(() => void reader.close());
  reader.exec('begin; select * from tasks limit 1');
  for (let i = 1; i <= 150; i += 1) list.put(completedTask(`new${i}`, EPOCH + i * 1_000));
  return { bench: made, list, api };
}

/** All that a failed run leaves anywhere: its result with every cause and hidden property, the log, the file, the WAL. */
async function tracesOf({ file, log, store }: FaultBench, result: SyncResult): Promise<string> {
  const everything = { depth: null, showHidden: true, maxStringLength: null, maxArrayLength: null } as const;
  const said = [result, log.lines, await store.status(), await store.recentRuns(100)];
  const bytes = [file, `${file}-wal`, `${file}-shm`].map((path) =>
    existsSync(path) ? readFileSync(path, 'latin1') : '',
  );
  return [...said.map((value) => inspect(value, everything)), ...bytes].join('\n');
}

async function expectNoKey(made: FaultBench, result: SyncResult): Promise<void> {
  const traces = await tracesOf(made, result);
  // The search sees the file, the WAL, the log and the error.
  for (const known of ['Task t000000', 'Task new150', 'run begins', result.report.error ?? '']) {
    expect(traces).toContain(known);
  }
  for (const form of FORMS) expect(traces).not.toContain(form);
}

describe('the key appears in no report, error, cause, log line or byte of the database', () => {
  test.each(FAULTS.map((fault) => [fault.what, fault] as const))('after %s', async (_what, fault) => {
    const { bench: made, api } = await bench();
    const served = api.requests.length;
    const step = fault.answer(made.clock);
    api.fault = (n) => (n === served + 1 ? null : step);
    const result = await made.sync(api);
    expect(api.requests[served + 1]?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(result.exitCode).toBe(fault.exitCode);
    await expectNoKey(made, result);
  });

  test('after a run that somebody stopped in the middle of a request', async () => {
    const { bench: made, api } = await bench();
    const served = api.requests.length;
    const stop = new AbortController();
    api.fault = (n) => (n === served + 2 ? () => stop.abort(new InterruptedError('stop')) : null);
    const result = await made.sync(api, { signal: stop.signal });
    expect(result.exitCode).toBe(130);
    await expectNoKey(made, result);
  });

  test('after a run that the brake stopped', async () => {
    const { bench: made, list, api } = await bench();
    for (let i = 100; i < 150; i += 1) list.remove(`t000${i}`);
    const result = await made.sync(api, { full: true });
    expect(result.exitCode).toBe(7);
    await expectNoKey(made, result);
  });

  test('after a run that set a row aside', async () => {
    const { bench: made, list, api } = await bench();
    list.put(completedTask('bad', EPOCH + 2_000, { messageCount: -1 }));
    const result = await made.sync(api);
    expect(result.exitCode).toBe(3);
    await expectNoKey(made, {
      ...result,
      report: { ...result.report, error: 'messageCount: expected 0 or more' },
    });
  });
});
