import { createHmac } from 'node:crypto';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { testMessage } from '../../src/feed/message.ts';
import { createSender, type Sent } from '../../src/feed/sender.ts';
import type { HookFormat } from '../../src/model/hook.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { type Answer, startReceiver } from '../support/receiver.ts';
import { NEVER } from './kit.ts';

const SECRET = `whsec_${Buffer.from('a secret of two dozen bytes').toString('base64')}`;

function senderTo(url: string, format: HookFormat = 'standard') {
  const clock = createFakeClock();
  const send = createSender(
    'alerts',
    { kind: 'url', url, format },
    {
      clock,
      secret: async () => SECRET,
      env: {},
      cwd: null,
      userAgent: 'taskmirror/test',
      onOutput: () => {},
    },
  );
  return { clock, send, message: testMessage('alerts', clock.now()) };
}

/** What an attempt comes to if the receiver answers so. */
async function sentWith(answer: Answer): Promise<Sent> {
  const receiver = await startReceiver();
  receiver.answers(answer);
  const { send, message } = senderTo(receiver.url);
  const sent = await send(message, NEVER);
  expect(receiver.got).toHaveLength(1);
  return sent;
}

describe('a message to a URL', () => {
  test('is a POST that an implementation of its own verifies', async () => {
    const receiver = await startReceiver();
    const { send, message, clock } = senderTo(receiver.url);
    expect(await send(message, NEVER)).toEqual({ outcome: 'delivered' });
    const [got] = receiver.got;
    expect(got).toMatchObject({ method: 'POST', path: '/hook', body: message.body });
    expect(got?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'taskmirror/test',
      'webhook-id': message.id,
      'webhook-timestamp': String(clock.now() / 1_000),
    });
    const signed = `${message.id}.${String(got?.headers['webhook-timestamp'])}.${String(got?.text)}`;
    const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
    const expected = createHmac('sha256', key).update(signed).digest('base64');
    expect(got?.headers['webhook-signature']).toBe(`v1,${expected}`);
  });

  test('for Slack is its text, without a signature', async () => {
    const receiver = await startReceiver();
    const { send, message } = senderTo(receiver.url, 'slack');
    await send(message, NEVER);
    expect(receiver.got[0]?.body).toEqual({
      text: '*hook.test*\n> A test of the hook "alerts": nothing has happened.',
    });
    expect(receiver.got[0]?.headers).not.toHaveProperty('webhook-signature');
  });
});

describe('an answer of', () => {
  test.each([200, 201, 202, 204])('%i is a delivery', async (status) => {
    expect(await sentWith(status)).toEqual({ outcome: 'delivered' });
  });

  test('410 says that the receiver is gone', async () => {
    expect(await sentWith(410)).toEqual({ outcome: 'gone', reason: 'answered 410 (gone)' });
  });

  test.each([400, 401, 404, 500, 503])('%i is a failure', async (status) => {
    expect(await sentWith(status)).toEqual({
      outcome: 'failed',
      reason: `answered ${status}`,
      retryAfterMs: null,
    });
  });

  test('a redirect is a failure, and is not followed', async () => {
    const elsewhere = await startReceiver();
    const sent = await sentWith({ status: 308, headers: { location: elsewhere.url } });
    expect(sent).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('answered 308') });
    expect(elsewhere.got).toEqual([]);
  });

  test.each([
    ['120', 120_000],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['99999999', 86_400_000],
    ['soon', null],
  ])('429 with Retry-After %s asks to wait %s ms', async (after, retryAfterMs) => {
    const sent = await sentWith({ status: 429, headers: { 'retry-after': after } });
    expect(sent).toEqual({ outcome: 'failed', reason: 'answered 429', retryAfterMs });
  });

  test('a body without an end is not read to its end', async () => {
    const piece = 'x'.repeat(16_384);
    const sent = await sentWith((response) => {
      const write = (): void => {
        if (!response.destroyed) response.write(piece, write);
      };
      response.writeHead(200);
      write();
    });
    expect(sent).toEqual({ outcome: 'delivered' });
  });

  test('no body at all, and a broken connection after the status, is a delivery', async () => {
    const sent = await sentWith((response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('abc', () => response.destroy());
    });
    expect(sent).toEqual({ outcome: 'delivered' });
  });
});

describe('without an answer', () => {
  test('in time the attempt fails', async () => {
    const receiver = await startReceiver();
    receiver.answers(() => {});
    const { send, message, clock } = senderTo(receiver.url);
    const sending = send(message, NEVER);
    await receiver.gets(1);
    clock.expireTimeouts();
    expect(await sending).toEqual({
      outcome: 'failed',
      reason: 'gave no answer within 10 s',
      retryAfterMs: null,
    });
  });

  test('since the receiver hung up, it fails', async () => {
    expect(await sentWith((response) => void response.destroy())).toEqual({
      outcome: 'failed',
      reason: 'could not be reached (ECONNRESET)',
      retryAfterMs: null,
    });
  });

  test('since nobody listens, it fails', async () => {
    const receiver = await startReceiver();
    await receiver.close();
    const { send, message } = senderTo(receiver.url);
    expect(await send(message, NEVER)).toMatchObject({ reason: 'could not be reached (ECONNREFUSED)' });
  });

  test.each([
    ['something else than HTTP answers', 'SSH-2.0-OpenSSH\r\n'],
    [
      'it is told to use another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n',
    ],
  ])('since %s, it fails', async (_, answer) => {
    const server = createServer((socket) => socket.end(answer));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { send, message } = senderTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    expect(await send(message, NEVER)).toMatchObject({ outcome: 'failed' });
  });

  test('since somebody stops it, it ends with that reason', async () => {
    const receiver = await startReceiver();
    receiver.answers(() => {});
    const { send, message } = senderTo(receiver.url);
    const stop = new AbortController();
    const sending = send(message, stop.signal);
    await receiver.gets(1);
    stop.abort(new Error('stopped'));
    await expect(sending).rejects.toThrow('stopped');
  });
});
