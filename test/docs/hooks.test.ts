import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { testMessage } from '../../src/feed/message.ts';
import { signatureHeaders } from '../../src/feed/standard.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { pageOf, readPages } from './page.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const page = pageOf(readPages(), 'feed-hooks');

/** What a receiver gets: a body, and headers of which one may be wrong. */
function received(signature?: string) {
  const message = testMessage('ümläut', 1_790_000_000_000);
  const headers = signatureHeaders(SECRET, message, 1_790_000_000_000);
  return {
    body: message.text,
    headers: signature === undefined ? headers : { ...headers, 'webhook-signature': signature },
  };
}

describe('the lines that verify a signature', () => {
  test.each([
    ['ours', undefined, true],
    ['ours beside another', `v1,AAAA ${received().headers['webhook-signature']}`, true],
    ['not ours', 'v1,AAAA', false],
  ])('in Node: %s', async (_, signature, expected) => {
    const [lines = ''] = page.blocks('js');
    const { body, headers } = received(signature);
    const file = join(temporaryFolder(), 'verify.mjs');
    const head = "import crypto from 'node:crypto';\nexport function verify(secret, headers, body) {\n";
    writeFileSync(file, `${head}${lines}\nreturn isOurs;\n}`);
    const { verify } = (await import(file)) as {
      verify: (secret: string, headers: object, body: string) => boolean;
    };
    expect(verify(SECRET, headers, body)).toBe(expected);
  });

  test('in Python', async ({ skip }) => {
    const [lines = ''] = page.blocks('python');
    const run = async (signature?: string): Promise<string> => {
      const { body, headers } = received(signature);
      const given = JSON.stringify({ secret: SECRET, headers, body });
      const script = `import base64, hmac, json, sys
given = json.loads(sys.argv[1])
secret, headers, body = given["secret"], given["headers"], given["body"].encode()
${lines}
print(is_ours)`;
      return (await promisify(execFile)('python3', ['-c', script, given])).stdout.trim();
    };
    const isThere = await promisify(execFile)('python3', ['--version']).then(
      () => true,
      () => false,
    );
    if (!isThere) skip('there is no python3');
    expect(await run()).toBe('True');
    expect(await run('v1,AAAA')).toBe('False');
  });
});
