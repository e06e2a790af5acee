import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { printRows } from '../../src/render/rows.ts';
import type { Cell } from '../../src/store/queryable.ts';
import { batchesOf } from '../support/batches.ts';

/** More rows than any reader here takes, which tell how far they were read and whether they were let go. */
function plenty(): { rows: Iterable<Cell[]>; seen: { rows: number; closed: boolean } } {
  const seen = { rows: 0, closed: false };
  function* generate(): Generator<Cell[]> {
    try {
      while (seen.rows < 20_000) yield [`row ${seen.rows++} ${'x'.repeat(1_000)}`];
    } finally {
      seen.closed = true;
    }
  }
  return { rows: generate(), seen };
}

it.each(['json', 'jsonl', 'csv', 'table'] as const)(
  '%s waits for a slow reader and ends when it goes',
  async (format) => {
    const { rows, seen } = plenty();
    const readAtEachWrite: number[] = [];
    const stream = new Writable({
      decodeStrings: false,
      write(_chunk, _encoding, done) {
        readAtEachWrite.push(seen.rows);
        // The reader takes its time: nothing may be read meanwhile.
        setImmediate(() => {
          readAtEachWrite.push(seen.rows);
          const closed = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
          done(readAtEachWrite.length === 8 ? closed : null);
        });
      },
    });
    await printRows(stream, { columns: ['v'], batches: batchesOf(rows) }, format);
    const [a, b, c, d, e, f, g, h] = readAtEachWrite;
    expect([a, c, e, g]).toEqual([b, d, f, h]);
    expect(seen.rows).toBe(h);
    expect(seen.closed).toBe(true);
    expect(stream.listenerCount('error')).toBe(0);
  },
);

it('passes on a write error other than a closed pipe', async () => {
  const { rows, seen } = plenty();
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  const stream = new Writable({ write: (_chunk, _encoding, done) => done(full) });
  await expect(printRows(stream, { columns: ['v'], batches: batchesOf(rows) }, 'jsonl')).rejects.toBe(full);
  expect(seen.closed).toBe(true);
});

it('stops when the signal aborts', async () => {
  const { rows, seen } = plenty();
  const controller = new AbortController();
  const stream = new Writable({
    write(_chunk, _encoding, done) {
      controller.abort(new Error('stop'));
      done();
    },
  });
  const printing = printRows(stream, { columns: ['v'], batches: batchesOf(rows) }, 'csv', {
    signal: controller.signal,
  });
  await expect(printing).rejects.toThrow('stop');
  expect(seen.closed).toBe(true);
});

it('ends a process quietly whose reader closed a real pipe', async () => {
  const program = `
    import { printRows } from ${JSON.stringify(new URL('../../src/render/rows.ts', import.meta.url).href)};
    function* batches() { for (let i = 0; i < 20_000; i++) yield Array(10).fill(['x'.repeat(1000)]); }
    await printRows(process.stdout, { columns: ['v'], batches: batches() }, 'jsonl');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  await once(child, 'close');
  expect({ code: child.exitCode, complaints }).toEqual({ code: 0, complaints: '' });
});
