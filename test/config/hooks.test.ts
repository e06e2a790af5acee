import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configShow } from '../../src/cli/commands/config.ts';
import { resolveHookSecret } from '../../src/config/hook-secret.ts';
import type { HookSettings } from '../../src/config/settings.ts';
import { hookUrlProblem, secretsOfHookUrl, shownHookUrl } from '../../src/model/hook-url.ts';
import { Captured } from '../support/captured.ts';
import { folder, load, problemsOf, usageError, write } from './folder.ts';

const URL_OF_SLACK = 'https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX';
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const HOOK = {
  name: 'alerts',
  events: ['task.failed', 'source.*'],
  url: 'https://example.com/hooks',
  secret: { env: 'ALERTS_SECRET' },
};

/** The problems of settings with this hook alone, without the place of their file. */
async function problemsWith(hook: object): Promise<string[]> {
  const problems = await problemsOf({ hooks: [hook] });
  return problems.map((problem) => problem.replace(/ in file \S+/, ''));
}

describe('the setting hooks', () => {
  test('is empty by default', async () => {
    expect((await load({})).settings.hooks).toEqual([]);
  });

  test('fills in what is left out', async () => {
    expect((await load({ hooks: [HOOK] })).settings.hooks).toEqual([
      { ...HOOK, command: null, format: 'standard', afterSeconds: 0, maxPerRun: 100, sources: [] },
    ]);
  });

  test('makes the paths of a secret and of a command absolute', async () => {
    const { settings, cwd } = await load({
      hooks: [
        { ...HOOK, secret: { file: 'alerts.secret' } },
        { name: 'notify', events: ['*'], command: ['./notify.sh', './as-typed'] },
        { name: 'say', events: ['*'], command: ['say'] },
      ],
    });
    expect(settings.hooks[0]?.secret).toEqual({ file: join(cwd, 'alerts.secret') });
    expect(settings.hooks[1]?.command).toEqual([join(cwd, 'notify.sh'), './as-typed']);
    expect(settings.hooks[2]?.command).toEqual(['say']);
  });

  test('can come from the environment', async () => {
    const { settings } = await load(undefined, { env: { TASKMIRROR_HOOKS: JSON.stringify([HOOK]) } });
    expect(settings.hooks.map(({ name }) => name)).toEqual(['alerts']);
  });

  test.each([
    [
      { ...HOOK, url: undefined, secret: undefined },
      /^hooks\[0\]\.url is missing: expected a URL .*"command" instead$/,
    ],
    [{ ...HOOK, command: ['a'] }, /^hooks\[0\]\.command expected either "url" or "command", not both$/],
    [{ ...HOOK, secret: undefined }, /^hooks\[0\]\.secret is missing: expected one of/],
    [{ ...HOOK, format: 'slack' }, /^hooks\[0\]\.secret expected none: Slack checks no signature$/],
    [{ ...HOOK, url: undefined, command: ['a'] }, /^hooks\[0\]\.secret expected none: what a command reads/],
    [{ ...HOOK, events: [] }, /^hooks\[0\]\.events is a list: expected a list of 1 to 50 events$/],
    [{ ...HOOK, events: ['failed'] }, /^hooks\[0\]\.events\[0\] is "failed": expected task\.added, /],
    [{ ...HOOK, afterSeconds: -1 }, /^hooks\[0\]\.afterSeconds is -1: expected a whole number from 0 to/],
    [{ ...HOOK, maxPerRun: 0 }, /^hooks\[0\]\.maxPerRun is 0: expected a whole number from 1 to 1000$/],
    [{ ...HOOK, format: 'xml' }, /^hooks\[0\]\.format is "xml": expected one of standard, slack$/],
    [{ ...HOOK, name: 'a b' }, /^hooks\[0\]\.name is "a b": expected /],
    [{ ...HOOK, event: ['*'] }, /^hooks\[0\]\.event is not a setting, did you mean hooks\[\]\.events\?$/],
  ])('%# is refused', async (hook, problem) => {
    const problems = await problemsWith(hook);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  test('refuses a name that two hooks have', async () => {
    const problems = await problemsOf({ hooks: [HOOK, HOOK] });
    expect(problems).toEqual([expect.stringContaining('hooks[1].name')]);
  });

  test.each([
    ['http://example.com/hook-1234567890', 'begins with https://'],
    ['https://ann:hunter2@example.com/', 'without a user name'],
    ['https://example.com/#token-1234567890', 'without a fragment'],
    ['hooks.slack.com/services/T0/B0/token-1234567890', 'an absolute URL'],
  ])('refuses the URL %s without repeating it', async (url, expectation) => {
    const [problem = '', ...more] = await problemsWith({ ...HOOK, url });
    expect(more).toEqual([]);
    expect(problem).toContain(expectation);
    expect(problem).not.toMatch(/hunter2|1234567890/);
  });

  test('never repeats a secret in the place of where it is kept', async () => {
    for (const secret of [SECRET, { env: SECRET }, { value: SECRET }]) {
      const problems = await problemsWith({ ...HOOK, secret });
      expect(problems.join()).not.toContain('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
      expect(problems).toHaveLength(1);
    }
  });
});

describe('the address of a hook', () => {
  test.each(['https://example.com', 'http://localhost:9/x', 'http://[::1]/', 'https://example.com/?q=1'])(
    '%s is accepted',
    (url) => {
      expect(hookUrlProblem(url)).toBeNull();
    },
  );

  test.each([
    [URL_OF_SLACK, 'https://hooks.slack.com/services/...'],
    ['https://example.com/hooks/v1/tasks', 'https://example.com/hooks/v1/tasks'],
    ['https://example.com/hooks/a8f0c7/tasks', 'https://example.com/hooks/...'],
    ['https://example.com/hooks?token=abc', 'https://example.com/hooks?...'],
    ['https://example.com', 'https://example.com/'],
    ['http://localhost:8080/in', 'http://localhost:8080/in'],
  ])('%s is shown as %s', (url, shown) => {
    expect(shownHookUrl(url)).toBe(shown);
  });

  test('has its tokens hidden from logs, and its words not', () => {
    expect(secretsOfHookUrl(URL_OF_SLACK)).toContain('XXXXXXXXXXXXXXXXXXXXXXXX');
    expect(secretsOfHookUrl(URL_OF_SLACK)).not.toContain('services');
    expect(secretsOfHookUrl('https://example.com/in?v=1')).toEqual([]);
  });
});

test('config show shows where a secret is kept, an address cut, and no argument of a command', async () => {
  const cwd = folder({
    'taskmirror.config.json': {
      hooks: [
        HOOK,
        { name: 'chat', events: ['*'], url: URL_OF_SLACK, format: 'slack' },
        { name: 'notify', events: ['*'], command: ['notify', '--token=hunter2'] },
      ],
    },
  });
  for (const json of [true, false]) {
    const io = { stdout: new Captured(), stderr: new Captured(), env: { ALERTS_SECRET: SECRET }, cwd };
    await configShow(io, { flags: {}, json });
    expect(io.stdout.text).not.toMatch(/XXXXXXXX|hunter2|MfKQ9r8/);
    expect(io.stdout.text).toContain('https://hooks.slack.com/services/...');
    expect(io.stdout.text).toContain('ALERTS_SECRET');
    expect(io.stdout.text).toContain('hooks[0].secret');
  }
});

/** A hook whose secret is there. */
const settings = (secret: HookSettings['secret']): HookSettings => ({
  ...HOOK,
  secret,
  command: null,
  format: 'standard',
  afterSeconds: 0,
  maxPerRun: 100,
  sources: [],
});

describe('the secret of a hook', () => {
  const { signal } = new AbortController();

  test('is found where it is kept', async () => {
    const cwd = folder();
    write(cwd, 'secret', `${SECRET}\n`);
    const context = { env: { ALERTS_SECRET: SECRET }, cwd, signal };
    for (const secret of [{ env: 'ALERTS_SECRET' }, { file: 'secret' }, { command: 'cat secret' }]) {
      expect((await resolveHookSecret(settings(secret), context))?.value).toBe(SECRET);
    }
    expect(await resolveHookSecret(settings(null), context)).toBeNull();
  });

  test.each([
    [undefined, 'is not set'],
    ['', 'is empty'],
    ['hunter2', 'does not hold whsec_ and base64 after it'],
    ['whsec_', 'does not hold whsec_ and base64 after it'],
    ['whsec_hunter-2', 'does not hold whsec_ and base64 after it'],
    [`whsec_${'hunter22'.repeat(200)}`, 'holds more than 1000 characters'],
  ])('%s is refused without repeating it', async (value, why) => {
    const env = value === undefined ? {} : { ALERTS_SECRET: value };
    const error = await usageError(() =>
      resolveHookSecret(settings({ env: 'ALERTS_SECRET' }), { env, cwd: null, signal }),
    );
    expect(error).toMatchObject({
      code: 'hook_secret_unusable',
      facts: { hook: 'alerts', kind: 'env', place: 'ALERTS_SECRET' },
    });
    expect(error.message).toBe(
      `Hook "alerts" has no usable secret: environment variable ALERTS_SECRET ${why}.`,
    );
  });
});
