import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createApp } from '../../src/cli/wire.ts';
import { daemon, type DaemonContext } from '../../src/cli/commands/daemon.ts';
import { loadSettings } from '../../src/config/load.ts';
import { createRedactor } from '../../src/platform/redact.ts';
import { holdList, serveTasks } from '../cli/api.ts';
import { Captured } from '../support/captured.ts';
import { readRows, temporaryFolder } from '../support/mirror.ts';
import { tasksApart } from '../support/tasks.ts';

test.each(['schedule', 'fullSchedule'] as const)(
  'a %s that cannot be followed ends the daemon, and with it the run under way and the other schedule',
  async (broken) => {
    const api = await serveTasks(tasksApart(10, 1_000));
    const held = holdList(api);
    const io = {
      stdout: new Captured(),
      stderr: new Captured(),
      env: { ...api.env, TASKMIRROR_SCHEDULE: '1 * * * *', TASKMIRROR_FULL_SCHEDULE: '2 * * * *' },
      cwd: temporaryFolder(),
    };
    const loaded = await loadSettings({ ...io, flags: {} });
    const { signal } = new AbortController();
    const context = await createApp({ io, loaded, signal, redactor: createRedactor(), defaultLevel: 'info' });
    const stopped = Promise.withResolvers<void>();
    const followSchedule: DaemonContext['followSchedule'] = async (expression, _timezone, parts) => {
      if (expression === loaded.settings[broken]) {
        await held.arrived;
        throw new Error('there is no next slot');
      }
      parts.signal.addEventListener('abort', () => stopped.resolve());
      return stopped.promise;
    };
    await expect(daemon({ ...context, followSchedule })).rejects.toThrow('there is no next slot');
    await stopped.promise;
    const file = join(io.cwd, 'taskmirror.db');
    expect(readRows(file, 'select outcome from sync_runs')).toEqual([{ outcome: 'interrupted' }]);
    expect(readRows(file, 'select * from leases')).toEqual([]);
    expect(io.stderr.text).toMatch(/"level":"error".*there is no next slot.*"the daemon cannot continue"/);
  },
);
