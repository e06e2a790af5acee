import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { OmittableField } from '../../src/model/task.ts';
import { mirrorChecks } from '../../src/cli/commands/doctor/mirror.ts';
import { diagnose, type Finding } from '../../src/cli/commands/doctor/doctor.ts';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { openMirrorReader } from '../../src/store/sqlite/reader.ts';
import { openMirrorStore } from '../../src/store/sqlite/store.ts';
import { changeOf, mirrorTask } from '../contracts/mirror-store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { syncBench } from '../support/sync.ts';
import { tasksApart } from '../support/tasks.ts';

/** A file with 30 tasks of the source `default` of https://api.example. */
async function mirrorFile(): Promise<string> {
  const bench = await syncBench();
  await bench.sync(new SimulatedList(tasksApart(30, 60_000)));
  return bench.file;
}

interface Asked {
  baseUrl?: string;
  omitFields?: OmittableField[];
}

async function findings(
  file: string,
  name: string | string[],
  { baseUrl = 'https://api.example', omitFields = [] }: Asked = {},
): Promise<Finding[]> {
  const sources = [name].flat().map((each) => ({ name: each, baseUrl, apiKey: { env: 'KEY' } }));
  const checks = mirrorChecks({
    settings: { sources, omitFields },
    openReader: () => openMirrorReader(file),
  });
  return (await diagnose(checks)).findings;
}

test('a source in the mirror but not in the settings is reported, with the command to rename it', async () => {
  expect(await findings(await mirrorFile(), 'prod')).toEqual([
    {
      check: 'source default',
      status: 'warn',
      detail: 'not in the settings, so no run updates its 30 live tasks in the mirror',
      hint: 'If it is now called "prod": taskmirror source rename default prod',
    },
  ]);
});

test('for a source that was mirrored again under its new name, the advice is to forget the old one', async () => {
  const bench = await syncBench();
  await bench.sync(new SimulatedList(tasksApart(30, 60_000)));
  const claim = await bench.store.claim({ name: 'prod', baseUrl: 'https://api.example' });
  await claim.release();
  const [finding] = await findings(bench.file, 'prod');
  expect(finding?.hint).toContain('run "taskmirror sync", then "taskmirror source forget default --yes"');
});

test('no new name is suggested for a source of another API', async () => {
  const [finding] = await findings(await mirrorFile(), 'prod', { baseUrl: 'https://other.example' });
  expect(finding?.hint).not.toContain('rename');
  expect(finding?.hint).toMatch(/as an archive, .*: taskmirror source forget default --yes$/);
});

test('sources in the settings and a missing mirror are not reported', async () => {
  expect(await findings(await mirrorFile(), 'default')).toEqual([]);
  expect(await findings(join(temporaryFolder(), 'none.db'), 'default')).toEqual([]);
});

test('a source that shows tasks of others is reported with their holders', async () => {
  const bench = await syncBench();
  for (const name of ['team', 'bots']) {
    const claim = await bench.store.claim({ name, baseUrl: 'https://api.example' });
    await claim.commit(changeOf({ tasks: ['x', 'y'].map((id) => mirrorTask(id)), total: 2 }));
  }
  expect(await findings(bench.file, ['team', 'bots'])).toEqual([
    {
      check: 'source bots',
      status: 'ok',
      detail: 'the API counts 2 tasks; 2 of them are held by source team',
    },
  ]);
});

describe('fields that must not be kept', () => {
  const omitFields: OmittableField[] = ['message', 'env'];
  const check = 'omitted fields';

  test('fail if values are left, with their places and advice', async () => {
    const file = await mirrorFile();
    expect(await findings(file, 'default', { omitFields })).toEqual([
      {
        check,
        status: 'fail',
        detail:
          'fields that must not be kept are still in the mirror: message in 30 tasks, the free space of the file; env in the free space of the file',
        hint: expect.stringContaining('Run "taskmirror sync"'),
      },
    ]);
  });

  test('are fine once a run has cleared them; values stored later are still found', async () => {
    const file = await mirrorFile();
    const options = { create: false, clock: createFakeClock(), omit: new Set(omitFields) };
    const store = await openMirrorStore(file, options);
    onTestFinished(() => store.close());
    const claim = await store.claim({ name: 'default', baseUrl: 'https://api.example' });
    await claim.clearOmitted(new AbortController().signal);
    await claim.release();
    expect(await findings(file, 'default', { omitFields })).toEqual([
      { check, status: 'ok', detail: 'no values are stored of message, env' },
    ]);
    const db = new Database(file);
    db.exec("update tasks set env = '{}' where id = 't000003'");
    db.close();
    expect(await findings(file, 'default', { omitFields })).toEqual([
      {
        check,
        status: 'fail',
        detail: 'fields that must not be kept are still in the mirror: env in 1 task',
        hint: expect.stringContaining('Run "taskmirror sync --full"'),
      },
    ]);
  });

  test('are not reported if there are none, or if there is no mirror yet', async () => {
    expect(await findings(await mirrorFile(), 'default')).toEqual([]);
    expect(await findings(join(temporaryFolder(), 'none.db'), 'default', { omitFields })).toEqual([]);
  });
});
