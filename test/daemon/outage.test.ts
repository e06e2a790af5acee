import { expect, test, vi } from 'vitest';
import { whenUsable } from '../../src/daemon/outage.ts';
import { DatabaseError } from '../../src/model/errors.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { memoryLog } from '../support/mirror.ts';

const server = 'ada@db.example:5432/tasks';
const unreachable = new DatabaseError('server_unreachable', { server }, 'nobody listens');
const refused = new DatabaseError('login_refused', { server, why: 'refused' }, 'wrong password');

function setUp() {
  const [clock, log, stop] = [createFakeClock(), memoryLog(), new AbortController()];
  return { clock, log, stop, deps: { clock, log, signal: stop.signal } };
}

test('a database server that is down at start is waited for, and that is said once', async () => {
  const { clock, log, deps } = setUp();
  const open = vi.fn<() => Promise<string>>().mockResolvedValue('open');
  for (let i = 0; i < 6; i += 1) open.mockRejectedValueOnce(unreachable);
  expect(await whenUsable(open, deps)).toBe('open');
  expect(clock.waits).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  expect(log.lines.filter(({ level }) => level !== 'debug').map(({ level }) => level)).toEqual([
    'error',
    'info',
  ]);
});

test('a refused login at start ends the daemon: somebody has to correct it', async () => {
  const { log, deps } = setUp();
  await expect(whenUsable(() => Promise.reject(refused), deps)).rejects.toBe(refused);
  expect(log.lines).toEqual([]);
});

test('a daemon that waits for its database server can be stopped', async () => {
  const { clock, stop, deps } = setUp();
  clock.hold();
  const waiting = whenUsable(() => Promise.reject(unreachable), deps);
  stop.abort(new Error('SIGTERM'));
  await expect(waiting).rejects.toThrow('SIGTERM');
});
