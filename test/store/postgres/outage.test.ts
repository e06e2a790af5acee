import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { Daemon } from '../../../src/daemon/daemon.ts';
import type { Log } from '../../../src/model/log.ts';
import { SimulatedList } from '../../../src/source/simulated/list.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import { syncSource } from '../../../src/sync/sync.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { memorySource } from '../../support/memory-source.ts';
import { memoryLog } from '../../support/mirror.ts';
import { describeWithOwnServer, ownServer, targetOf } from '../../support/postgres/server.ts';
import { tasksApart } from '../../support/tasks.ts';

const A = { name: 'a', baseUrl: 'https://a.example' };

describeWithOwnServer('a daemon whose database server is killed in the middle of a run', () => {
  test('waits for it, says so once, and goes on where it stopped', async () => {
    const server = await ownServer();
    const clock = createFakeClock();
    const store = await openPostgresStore(targetOf(server.url), { create: true, clock, omit: new Set() });
    onTestFinished(() => store.close());
    const said = new EventTarget();
    const log = tellingLog(said);
    let kill: (() => Promise<void>) | null = () => server.kill('SIGKILL');
    const source = memorySource(new SimulatedList(tasksApart(500, 1_000)), {
      async beforeList({ count }) {
        if (count < 3 || kill === null) return;
        const killed = kill();
        kill = null;
        await killed;
      },
    });
    const daemon = new Daemon({
      clock,
      log,
      sources: [
        {
          name: 'a',
          hasNewKey: async () => false,
          sync: (options) =>
            syncSource(
              A,
              { store, clock, connect: () => source, logFor: () => log },
              {
                pageSize: 100,
                concurrency: 1,
                overlapMs: 0,
                signal: new AbortController().signal,
                ...options,
              },
            ),
        },
      ],
    });
    const away = once(said, 'the database cannot be used now; trying again until it can');
    const back = once(said, 'the database can be used again');
    const done = once(said, 'run ok');
    daemon.tick();
    await away;
    await server.restart();
    await Promise.all([back, done]);
    await daemon.stop();

    expect(await store.status()).toMatchObject([{ source: 'a', liveRows: 500, gaps: [] }]);
    const codes = log.lines.flatMap(({ level, fields }) => (level === 'error' ? [codeOf(fields)] : []));
    expect(codes.length).toBeLessThan(5);
    // The lease of the run that was cut off is this daemon's own.
    expect(log.lines.filter(({ message }) => message.includes('standing by'))).toEqual([]);
    expect(codes.filter((code, i) => code === codes[i - 1])).toEqual([]);
  });
});

/** A log that fires an event with the message of each line. */
function tellingLog(target: EventTarget): ReturnType<typeof memoryLog> {
  const log = memoryLog();
  const telling =
    (level: keyof Log) =>
    (fields: object, message: string): void => {
      log[level](fields, message);
      target.dispatchEvent(new Event(message));
    };
  return {
    lines: log.lines,
    debug: telling('debug'),
    info: telling('info'),
    warn: telling('warn'),
    error: telling('error'),
  };
}

function codeOf(fields: object): string {
  return 'err' in fields && fields.err instanceof Error && 'code' in fields.err
    ? String(fields.err.code)
    : '';
}
