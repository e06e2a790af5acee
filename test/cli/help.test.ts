import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VERSION } from '../../src/model/version.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { runProgram } from '../support/program.ts';
import { KEY } from './api.ts';

test('--version says which; --help names every command, and the help of each has examples', async () => {
  const cwd = temporaryFolder();
  const [version, help, nested] = await Promise.all(
    [['--version'], ['--help'], ['config', '--help']].map((args) => runProgram(args, { cwd })),
  );
  expect(version).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: '' });

  const top = commandsIn(help?.stdout);
  expect(top).toEqual(
    expect.arrayContaining(['sync', 'daemon', 'status', 'query', 'doctor', 'demo', 'config']),
  );
  const config = commandsIn(nested?.stdout);
  expect(config).toEqual(['check', 'show', 'schema']);
  const all = [[], ...top.map((name) => [name]), ...config.map((name) => ['config', name])];
  const helps = await Promise.all(all.map((args) => runProgram([...args, '--help'], { cwd })));
  for (const [nth, { code, stdout, stderr }] of helps.entries()) {
    expect([all[nth], code, stderr]).toEqual([all[nth], 0, '']);
    expect(stdout).toMatch(/\nExamples:\n {2}\$ .*taskmirror/);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  }
});

test('the command help prints the same as the flag, with exit code 0', async () => {
  const cwd = temporaryFolder();
  const [command, flag, ...general] = await Promise.all(
    [['help', 'query'], ['query', '--help'], ['help'], ['--help']].map((args) => runProgram(args, { cwd })),
  );
  expect(command).toMatchObject({ code: 0, stdout: flag?.stdout, stderr: '' });
  expect(general[0]).toEqual(general[1]);
});

test('completion prints a script for a shell that it knows, and refuses others with exit code 2', async () => {
  const cwd = temporaryFolder();
  const [bash, other] = await Promise.all(
    ['bash', 'tcsh'].map((shell) => runProgram(['completion', shell], { cwd })),
  );
  expect(bash).toMatchObject({ code: 0, stderr: '' });
  expect(bash?.stdout).toMatch(
    /^# bash completion for taskmirror,[^]*\ncomplete -F _taskmirror taskmirror\n$/,
  );
  expect(other).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('zsh') });
});

describe('config', () => {
  test('check accepts good settings; show tells where each value comes from, and never the key', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'taskmirror.config.json'), JSON.stringify({ sync: { pageSize: 50 } }));
    const env = { SIGMIC_API_KEY: KEY, TASKMIRROR_SYNC_CONCURRENCY: '2' };
    const [check, show, json] = await Promise.all(
      [
        ['config', 'check'],
        ['config', 'show', '--db', 'other.db'],
        ['config', 'show', '--json'],
      ].map((args) => runProgram(args, { cwd, env })),
    );
    expect(check).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ok: /), stderr: '' });
    expect(show).toMatchObject({ code: 0, stderr: '' });
    const origins = [
      /database .*other\.db +flag --db\n/,
      /sync\.concurrency +2 +variable TASKMIRROR_SYNC_CONCURRENCY\n/,
      /^file .*taskmirror\.config\.json\n/,
      /sync\.pageSize +50 +file\n/,
      /schedule +\*\/5 \* \* \* \* +default\n/,
      /apiKey +.*SIGMIC_API_KEY.* \(set\) /,
    ];
    for (const origin of origins) expect(show?.stdout).toMatch(origin);
    expect(JSON.parse(json?.stdout ?? '')).toMatchObject({ file: join(cwd, 'taskmirror.config.json') });
    expect(`${show?.stdout}${json?.stdout}`).not.toContain(KEY);
  });

  test('check refuses bad ones with exit code 2; schema describes them', async () => {
    const cwd = temporaryFolder();
    const [check, schema] = await Promise.all([
      runProgram(['config', 'check'], {
        cwd,
        env: { TASKMIRROR_SYNC_PAGE_SIZE: '0', TASKMIRROR_SCHEDULE: 'now' },
      }),
      runProgram(['config', 'schema'], { cwd }),
    ]);
    expect([check.code, check.stdout]).toEqual([2, '']);
    expect(check.stderr).toContain('2 problems');
    expect([schema.code, schema.stderr]).toEqual([0, '']);
    expect(JSON.parse(schema.stdout)).toMatchObject({
      type: 'object',
      additionalProperties: false,
      properties: { sources: { type: 'array' }, sync: { type: 'object' } },
    });
  });
});

test('on a Node that is too old, the bin says so in one line, with both versions, and exits with 2', async () => {
  const old =
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })";
  const bin = resolve(import.meta.dirname, '../../bin/taskmirror.js');
  const node = ['--import', `data:text/javascript,${encodeURIComponent(old)}`, bin];
  const { code, stdout, stderr } = await runProgram(['sync'], { cwd: temporaryFolder(), node });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^taskmirror needs Node 22\.18 .* 20\.20\.2\.\n$/);
});

/** The names under "Commands:", without `help` itself. */
function commandsIn(help = ''): string[] {
  const isList = /^(?:Commands|Keep a mirror|Query it|Set up):\n/;
  const lists = help.split('\n\n').filter((part) => isList.test(part));
  const names = lists.flatMap((list) => [...list.matchAll(/^ {2}([a-z]+)/gm)]);
  return names.map(([, name = '']) => name).filter((name) => name !== 'help');
}
