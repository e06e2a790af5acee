import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';

import { temporaryFolder } from '../../support/mirror.ts';
import { type Ended, runProgram } from '../../support/program.ts';
import { EMPTY_LIST, json, KEY, startScript } from './loopback.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
/** Node 22.21, 24.5 or newer. */
const CAN_USE_PROXY = process.allowedNodeEnvironmentFlags.has('--use-env-proxy');
const PASSWORD = 'pr0xy-pa55w0rd';

/** A proxy that notes what it is asked for, and lets nothing through: `status` is its answer to CONNECT. */
async function startProxy(status = '502 Bad Gateway') {
  const seen: string[] = [];
  const note = ({ method, url, headers }: IncomingMessage): void =>
    void seen.push(`${method} ${url} ${headers.authorization ?? ''}`.trim());
  const proxy = createServer((request, response) => {
    note(request);
    response.writeHead(502).end();
  });
  proxy.on('connect', (request, socket) => {
    note(request);
    socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const url = `http://user:${PASSWORD}@127.0.0.1:${port}`;
  return { seen, env: { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: url, HTTPS_PROXY: url } };
}

/** One run of the program from its sources. */
function syncFrom(baseUrl: string, env: Record<string, string>): Promise<Ended> {
  const settings = { SIGMIC_API_KEY: KEY, SIGMIC_BASE_URL: baseUrl, TASKMIRROR_SYNC_RETRY_SECONDS: '0' };
  return runProgram(['sync'], { cwd: temporaryFolder(), node: [MAIN], env: { ...settings, ...env } });
}

async function startApi() {
  const api = await startScript(json(200, EMPTY_LIST));
  onTestFinished(() => api.close());
  return { ...api, port: new URL(api.url).port };
}

describe('an API on loopback is asked directly, whatever proxy the environment names', () => {
  test.each(['127.0.0.1', 'localhost'])('http://%s', async (host) => {
    const [proxy, api] = [await startProxy(), await startApi()];
    const { code, stderr } = await syncFrom(`http://${host}:${api.port}`, proxy.env);
    expect([code, stderr, api.requests.length, proxy.seen]).toEqual([0, '', 1, []]);
  });

  test.skipIf(!CAN_USE_PROXY)('by a flag of node as well', async () => {
    const [{ env, seen }, api] = [await startProxy(), await startApi()];
    const { NODE_USE_ENV_PROXY: _, ...proxies } = env;
    const { code } = await syncFrom(api.url, { ...proxies, NODE_OPTIONS: '--use-env-proxy' });
    expect([code, api.requests.length, seen]).toEqual([0, 1, []]);
  });

  test('also over https', async () => {
    const [proxy, api] = [await startProxy(), await startApi()];
    const { code, stderr } = await syncFrom(`https://localhost:${api.port}`, proxy.env);
    // Nobody speaks TLS there, but it was asked.
    expect(code).toBe(5);
    expect(stderr).toMatch(/EPROTO|ERR_SSL/);
    expect(proxy.seen).toEqual([]);
  });
});

describe.skipIf(!CAN_USE_PROXY)('any other API is asked through the proxy, which gets no key', () => {
  test.each([
    ['407 Proxy Authentication Required', /A proxy asks for a login: put it into HTTPS_PROXY/],
    [
      '403 Forbidden',
      /The proxy does not connect to the API: ask its administrator to let taskmirror through/,
    ],
    ['502 Bad Gateway', /The proxy does not connect to the API/],
  ])('%s is reported as it is, without the password of the proxy', async (status, hint) => {
    const proxy = await startProxy(status);
    const { code, stderr } = await syncFrom('https://tasks.example', proxy.env);
    expect(code).toBe(5);
    expect(stderr).toContain(status);
    expect(stderr).toMatch(hint);
    for (const secret of [PASSWORD, KEY]) expect(stderr).not.toContain(secret);
    expect(proxy.seen).toEqual(['CONNECT tasks.example:443']);
  });
});
