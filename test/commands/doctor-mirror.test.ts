import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mirrorChecks } from '../../src/commands/doctor-mirror.ts';
import { diagnose, type Finding } from '../../src/commands/doctor.ts';
import { SimulatedList } from '../../src/demo/list.ts';
import { openMirrorReader } from '../../src/sqlite/reader.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { syncBench } from '../support/sync.ts';
import { tasksApart } from '../support/tasks.ts';

/** A file with 30 tasks of the source `default` of https://api.example. */
async function mirrorFile(): Promise<string> {
  const bench = await syncBench();
  await bench.sync(new SimulatedList(tasksApart(30, 60_000)));
  return bench.file;
}

async function findings(file: string, name: string, baseUrl = 'https://api.example'): Promise<Finding[]> {
  const sources = [{ name, baseUrl, apiKey: { env: 'KEY' } }];
  const checks = mirrorChecks({ settings: { sources }, openReader: () => openMirrorReader(file) });
  return (await diagnose(checks)).findings;
}

test('a source whose tasks the mirror holds and the settings do not have is told, with how to rename it', async () => {
  expect(await findings(await mirrorFile(), 'prod')).toEqual([
    {
      check: 'source default',
      status: 'warn',
      detail: 'not in the settings, so no run looks after its 30 live tasks in the mirror',
      hint: expect.stringContaining("update tasks set source = 'prod' where source = 'default'"),
    },
  ]);
});

test('no name is guessed for a source of another API', async () => {
  const [finding] = await findings(await mirrorFile(), 'prod', 'https://other.example');
  expect(finding?.hint).not.toContain('update');
});

test('nothing is said of sources that the settings have, nor of a mirror that is not there yet', async () => {
  expect(await findings(await mirrorFile(), 'default')).toEqual([]);
  expect(await findings(join(temporaryFolder(), 'none.db'), 'default')).toEqual([]);
});
