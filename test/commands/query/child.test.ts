import { describe, expect, it } from 'vitest';
import { runLimited, type LimitedRun } from '../../../src/cli/commands/query/child.ts';
import { EXIT } from '../../../src/cli/exit.ts';
import { InterruptedError, UsageError } from '../../../src/model/errors.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

/** Runs a script of node's in place of the program; `source` may use `stdin`, the whole text of it. */
function run(source: string, given: Partial<LimitedRun> = {}) {
  const clock = createFakeClock();
  const script = `const stdin = require('node:fs').readFileSync(0, 'utf8'); ${source}`;
  const ended = runLimited({
    program: [process.execPath, '-e', script],
    args: [],
    input: 'select 1',
    limitMs: 30_000,
    clock,
    signal: new AbortController().signal,
    cwd: import.meta.dirname,
    env: { PATH: process.env['PATH'] },
    ...given,
  });
  return { clock, ended };
}

const FOR_EVER = 'for (;;) {}';

describe('a query in a separate process', () => {
  it('gets all of its SQL on stdin, and its exit code is passed on', async () => {
    const input = `select '${'漢'.repeat(300_000)}'`;
    const isWhole = `process.exit(stdin.length === ${input.length} ? ${EXIT.database} : ${EXIT.unexpected})`;
    expect(await run(isWhole, { input }).ended).toBe(EXIT.database);
    expect(await run('').ended).toBe(EXIT.done);
    expect(await run('process.exit(77)').ended).toBe(EXIT.unexpected);
  });

  it('that ends without reading its stdin is not missed', async () => {
    const program = [process.execPath, '-e', 'process.exit(2)'] as const;
    expect(await run('', { program, input: 'x'.repeat(1_000_000) }).ended).toBe(EXIT.usage);
  });

  it('is killed at the limit, which is reported as a usage error', async () => {
    const { clock, ended } = run(FOR_EVER);
    expect(clock.timeouts).toEqual([30_000]);
    clock.expireTimeouts();
    await expect(ended).rejects.toThrow('it took longer than 30 s');
    await expect(ended).rejects.toThrow(UsageError);
  });

  it('is killed when the program is interrupted, and never started after that', async () => {
    const stopping = new AbortController();
    const { ended } = run(FOR_EVER, { signal: stopping.signal });
    stopping.abort(new InterruptedError('stop'));
    await expect(ended).rejects.toThrow(InterruptedError);
    await expect(run(FOR_EVER, { signal: stopping.signal }).ended).rejects.toThrow(InterruptedError);
  });

  it('that dies of a signal is an interrupt or a fault, never success', async () => {
    await expect(run("process.kill(process.pid, 'SIGINT')").ended).rejects.toThrow(InterruptedError);
    await expect(run("process.kill(process.pid, 'SIGSEGV')").ended).rejects.toThrow('ended by SIGSEGV');
  });
});
