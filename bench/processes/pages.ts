/**
 * Only the requests of a first run: `node pages.ts <url> <key> <offsets> <concurrency>` reads the pages at
 * these offsets (`0,98,196`), this many at once, to the last byte, and throws them away.
 */
import { argv } from 'node:process';

const [, , url, key, offsets = '', concurrency] = argv;
const waiting = offsets.split(',');

async function read(): Promise<void> {
  for (let offset = waiting.shift(); offset !== undefined; offset = waiting.shift()) {
    const response = await fetch(`${url}/api/v1/tasks?limit=100&offset=${offset}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    await response.arrayBuffer();
  }
}

await Promise.all(Array.from({ length: Number(concurrency) }, read));
