import { expect, test } from 'vitest';
import { signatureHeaders } from '../../src/feed/standard.ts';

test('a message is signed as the published example of Standard Webhooks is', () => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', text: '{"test": 2432232314}' };
  expect(signatureHeaders('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', message, 1_614_265_330_000)).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('the text is signed as UTF-8', () => {
  const secret = `whsec_${Buffer.from('a secret').toString('base64')}`;
  const { 'webhook-signature': ascii } = signatureHeaders(secret, { id: 'msg_1', text: '"e"' }, 0);
  const { 'webhook-signature': accent } = signatureHeaders(secret, { id: 'msg_1', text: '"é"' }, 0);
  expect(accent).not.toBe(ascii);
});
