import { describe, expect, test } from 'vitest';

import { checkBaseUrl } from '../../../src/model/base-url.ts';
import { UsageError } from '../../../src/model/errors.ts';

describe('the base URL', () => {
  test.each([
    ['https://api.sigmic.ai', 'https://api.sigmic.ai'],
    ['https://api.sigmic.ai/', 'https://api.sigmic.ai'],
    ['HTTPS://API.Sigmic.ai:443//', 'https://api.sigmic.ai'],
    ['https://proxy.example:8443/tasks/v2/', 'https://proxy.example:8443/tasks/v2'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://127.0.0.1:3000/', 'http://127.0.0.1:3000'],
    ['http://127.9.8.7', 'http://127.9.8.7'],
    ['http://[::1]:80', 'http://[::1]'],
  ])('%s is accepted as %s', (text, normal) => {
    expect(checkBaseUrl(text)).toBe(normal);
    expect(checkBaseUrl(normal)).toBe(normal);
  });

  test.each([
    ['', 'not an absolute URL'],
    ['api.sigmic.ai', 'not an absolute URL'],
    [`https://${'a'.repeat(3000)}`, 'not an absolute URL'],
    ['ftp://api.sigmic.ai', 'begins with ftp://api.sigmic.ai'],
    ['localhost:3000', 'begins with localhost:'],
    ['http://api.sigmic.ai', 'begins with http://api.sigmic.ai'],
    ['http://127.0.0.1.example.com', 'begins with http://'],
    ['http://localhost.example.com', 'begins with http://'],
    ['http://10.0.0.1', 'begins with http://'],
    ['http://user@127.0.0.1@evil.example', 'begins with http://evil.example'],
    ['https://user:hidden@api.sigmic.ai', 'carries a user name or a password'],
    ['https://api.sigmic.ai/?key=hidden', 'carries a query or a fragment'],
    ['https://api.sigmic.ai?', 'carries a query or a fragment'],
    ['https://api.sigmic.ai/#hidden', 'carries a query or a fragment'],
  ])('%s is refused: %s', (text, message) => {
    expect(() => checkBaseUrl(text)).toThrow(UsageError);
    expect(() => checkBaseUrl(text)).toThrow(message);
    expect(() => checkBaseUrl(text)).not.toThrow('hidden');
  });
});
