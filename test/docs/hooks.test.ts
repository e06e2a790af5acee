import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { eventsOf } from '../../src/feed/events.ts';
import {
  digestMessage,
  type HookBody,
  runMessage,
  taskMessage,
  testMessage,
} from '../../src/feed/message.ts';
import { signatureHeaders } from '../../src/feed/standard.ts';
import { MemoryFeed } from '../support/memory-feed.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { EPOCH } from '../support/tasks.ts';
import { codeIn, pageOf, readPages, tableIn } from './page.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const page = pageOf(readPages(), 'feed');

/** What a receiver knows of a request. */
interface Received {
  secret: string;
  id: string;
  timestamp: string;
  signature: string;
  body: string;
}

/** A request of ours, or one with another signature. */
function received(signature?: string): Received {
  const message = testMessage('ümläut', 1_790_000_000_000);
  const headers = signatureHeaders(SECRET, message, 1_790_000_000_000);
  return {
    secret: SECRET,
    id: headers['webhook-id'] ?? '',
    timestamp: headers['webhook-timestamp'] ?? '',
    signature: signature ?? headers['webhook-signature'] ?? '',
    body: message.text,
  };
}

const { signature: OURS } = received();
const OTHER = 'v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=';
const CASES = [
  ['ours', undefined, true],
  // As in the tests of the libraries of Standard Webhooks.
  ['ours among others', `${OTHER} ${OTHER.replace('v1', 'v2')} ${OURS} ${OTHER}`, true],
  ['not ours', OTHER, false],
  ['a part of ours', OURS.slice(0, 8), false],
  ['of other characters', 'v1,ä', false],
  ['empty', '', false],
] as const;

test('the examples of events have the fields that are sent', async () => {
  const feed = new MemoryFeed(() => EPOCH);
  feed.put('a', { status: 'running' });
  feed.put('a', { status: 'failed' });
  const [change] = await feed.read({ since: 1, limit: 1 });
  const [event] = change === undefined ? [] : eventsOf(change, 1);
  if (event === undefined) throw new Error('no event');
  const at = '2026-01-01T00:00:00.000Z';
  const run = {
    id: 1,
    source: 'a',
    startedAt: at,
    finishedAt: at,
    kind: 'incremental',
    outcome: 'failed',
    error: '',
  } as const;
  const sent = [
    taskMessage('alerts', event),
    runMessage('alerts', { type: 'source.failed', at, run, isPast: false }),
    digestMessage('alerts', { since: 0, through: 1, at, events: 1, counts: {}, sources: {} }),
  ].map(({ body }) => body);
  const written = page
    .blocks('jsonc')
    .map(
      (block) => JSON.parse(block.replaceAll(/ \/\/ .*$/gm, '').replaceAll(/,(?=\s*[}\]])/g, '')) as HookBody,
    );
  expect(written.map(fieldsOf)).toEqual(sent.map(fieldsOf));
  const columns = new Set(
    tableIn(pageOf(readPages(), 'schema').section('tasks')).map(([name]) => codeIn(name)[0]),
  );
  expect(Object.keys(written[0]?.data['task'] ?? {}).filter((name) => !columns.has(name))).toEqual([]);
});

/** The names of all fields, and of those of a run and of the first change. */
function fieldsOf(body: HookBody) {
  const { run, changes } = body.data as { run?: object; changes: object[] };
  return [body, body.data, run ?? {}, changes[0] ?? {}].map((object) => Object.keys(object));
}

describe('the lines that verify a signature', () => {
  test.each(CASES)('in Node: %s', async (_, signature, expected) => {
    const [lines = ''] = page.blocks('js');
    const file = join(temporaryFolder(), 'verify.mjs');
    const head =
      "import crypto from 'node:crypto';\nexport function verify({ secret, id, timestamp, signature, body }) {\n";
    writeFileSync(file, `${head}${lines}\nreturn isOurs;\n}`);
    const { verify } = (await import(file)) as { verify: (request: Received) => boolean };
    expect(verify(received(signature))).toBe(expected);
  });

  test('in Python', async ({ skip }) => {
    const isThere = await promisify(execFile)('python3', ['--version']).then(
      () => true,
      () => false,
    );
    if (!isThere) skip('there is no python3');
    const [lines = ''] = page.blocks('python');
    const script = `import base64, hmac, json, sys
for given in json.loads(sys.argv[1]):
    secret, id, timestamp, signature = (given[name] for name in ("secret", "id", "timestamp", "signature"))
    body = given["body"].encode()
${lines.replaceAll(/^/gm, '    ')}
    print(is_ours)`;
    const given = CASES.map(([, signature]) => received(signature));
    const { stdout } = await promisify(execFile)('python3', ['-c', script, JSON.stringify(given)]);
    const expected = CASES.map(([, , isOurs]) => (isOurs ? 'True' : 'False'));
    expect(stdout.trim().split('\n')).toEqual(expected);
  });
});
