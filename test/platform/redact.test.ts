import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRedactor, maskKeys } from '../../src/platform/redact.ts';

function redactorOf(...secrets: string[]) {
  const redactor = createRedactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor;
}

test('a redactor that knows nothing changes nothing', () => {
  expect(redactorOf().redact('any [text]')).toBe('any [text]');
  expect(redactorOf('').redact('any [text]')).toBe('any [text]');
});

const SECRET = 'sigmic_a+b/c"d\\e=f';
test.for([
  ['as it is', SECRET],
  ['URL-encoded', encodeURIComponent(SECRET)],
  ['in base64', Buffer.from(SECRET).toString('base64')],
  ['in base64url', Buffer.from(SECRET).toString('base64url')],
  ['JSON-escaped', JSON.stringify(SECRET).slice(1, -1)],
])('a secret is replaced %s, everywhere', ([, form]) => {
  const redacted = redactorOf(SECRET).redact(`x${form}y ${form}`);
  expect(redacted).toMatch(/^x\[redacted\]=*y \[redacted\]=*$/);
});

test('no text of 8 or more characters survives in any of its forms', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 8 }), fc.string(), (secret, around) => {
      const redactor = redactorOf(secret);
      for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
        expect(redactor.redact(`${around}|${form}|${around}`)).toContain('|[redacted]|');
      }
    }),
  );
});

test('a secret that begins with another one is replaced as a whole', () => {
  expect(redactorOf('sigmic_one', 'sigmic_one_more').redact('sigmic_one_more')).toBe('[redacted]');
  expect(redactorOf('sigmic_one_more', 'sigmic_one').redact('sigmic_one sigmic_one_more')).toBe(
    '[redacted] [redacted]',
  );
});

test('a secret of fewer than 8 characters is replaced only as a separate word', () => {
  const redactor = redactorOf('k1');
  expect(redactor.redact('Bearer k1, "k1", key=k1&x')).toBe(
    'Bearer [redacted], "[redacted]", key=[redacted]&x',
  );
  expect(redactor.redact('task1 mk12 k1st')).toBe('task1 mk12 k1st');
});

test('a secret may be as long as it likes, and of any characters', () => {
  const long = '(sigmic'.repeat(20_000);
  expect(redactorOf(long).redact(`<${long}>`)).toBe('<[redacted]>');
  expect(redactorOf('a.(b', '$&').redact('a.(b a-(b $&')).toBe('[redacted] a-(b [redacted]');
});

const token = (i: number): string => `sigmic_token_${i}_`;

test('of tokens without end the newest 256 are remembered, and one that is added again and again always is', () => {
  const redactor = redactorOf('sigmic_first');
  for (let i = 0; i < 300; i += 1) {
    redactor.add(token(i));
    redactor.add('sigmic_lasting');
  }
  const kept = Array.from({ length: 300 }, (_, i) => redactor.redact(token(i)) === '[redacted]');
  expect(kept.lastIndexOf(false)).toBe(44);
  expect(redactor.redact('sigmic_first sigmic_lasting')).toBe('sigmic_first [redacted]');
});

test('text that looks like a key is masked although nobody registered it', () => {
  expect(maskKeys('curl -H "Bearer sigmic_abc-DEF_1" https://x/?t=eyJhbGci.e30.x_-')).toBe(
    'curl -H "Bearer [redacted]" https://x/?t=[redacted]',
  );
  expect(maskKeys('SIGMIC_API_KEY hey eye')).toBe('SIGMIC_API_KEY hey eye');
});
