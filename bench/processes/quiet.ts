/**
 * Syncs a mirror again and again with a list in which nothing changes: `node quiet.ts <mirror> <url> <key>`.
 * Prints the bytes that each run wrote, on average.
 */
import { openMirror } from '../../src/index.ts';
import { writtenBytes } from '../measure.ts';

const RUNS = 100;

const [, , file = '', baseUrl = '', apiKey = ''] = process.argv;
const mirror = await openMirror(file);
// This run does whatever was left to do.
await sync();
const before = writtenBytes() ?? NaN;
for (let nth = 0; nth < RUNS; nth++) await sync();
process.stdout.write(JSON.stringify({ writtenARun: ((writtenBytes() ?? NaN) - before) / RUNS }));
await mirror.close();

async function sync(): Promise<void> {
  const report = await mirror.sync({ apiKey, baseUrl });
  if (report.outcome === 'ok' && report.requests === 1 && report.updated + report.inserted === 0) return;
  throw new Error(`Not a quiet run: ${JSON.stringify(report)}`);
}
