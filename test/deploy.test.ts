import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandsWithHelp } from '../scripts/docs/cli.ts';
import { settingLeaves } from '../src/config/leaves.ts';
import { loadSettings } from '../src/config/load.ts';
import { cronProblem } from '../src/platform/cron.ts';
import { temporaryFolder } from './support/mirror.ts';

const root = resolve(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The user that the image runs as. */
const UID = '10001';

/** What the program does not know of a command line, which begins with the name of a command. */
function problemsOf(words: readonly string[]): string[] {
  const [name = '', ...rest] = words;
  const commands = new Map(commandsWithHelp().map(({ name: whole, command }) => [whole, command]));
  const command = commands.get(`taskmirror ${name}`);
  if (command === undefined) return [`no command ${name}`];
  const options = [...command.options, ...(commands.get('taskmirror')?.options ?? [])];
  const known = options.map(({ long }) => long);
  return rest.filter((word) => word.startsWith('-') && !known.includes(word));
}

/** The settings in a text, as the program reads them from a file; throws where it would refuse them. */
async function settingsIn(text: string) {
  const file = join(temporaryFolder(), 'config.json');
  writeFileSync(file, text);
  return (await loadSettings({ env: {}, cwd: '/', flags: { config: file } })).settings;
}

describe('deploy/Dockerfile', () => {
  const dockerfile = read('deploy/Dockerfile').replaceAll('\\\n', ' ');
  const instructions = dockerfile.split('\n').flatMap((line) => {
    const [, name, rest] = /^ *([A-Z]+) +(.*)$/.exec(line) ?? [];
    return name === undefined || rest === undefined ? [] : [{ name, rest }];
  });
  const all = (name: string) => instructions.filter((each) => each.name === name).map(({ rest }) => rest);
  /** The last one, which is the image's. */
  const listOf = (name: string): string[] =>
    JSON.parse(/\[.*\]$/.exec(all(name).at(-1) ?? '')?.[0] ?? '[]') as string[];

  test('builds and runs on one Node, pinned by tag, that package.json allows', () => {
    const images = all('FROM').map((from) => from.replace(/ AS .*/, ''));
    expect(new Set(images).size).toBe(1);
    const [, version] = /^node:(\d+(?:\.\d+)*)-\w+-slim$/.exec(images[0] ?? '') ?? [];
    const oldest = (JSON.parse(read('package.json')) as { engines: { node: string } }).engines.node.slice(2);
    expect(version?.localeCompare(oldest, 'en', { numeric: true })).toBe(1);
  });

  test('copies only what is there, and what .dockerignore lets in', () => {
    const copied = all('COPY')
      .filter((rest) => !rest.startsWith('--from='))
      .flatMap((rest) => rest.split(' ').slice(0, -1));
    expect(copied).toContain('package-lock.json');
    expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const ignore = read('.dockerignore').split('\n');
    expect(ignore).toContain('*');
    const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(allowed.toSorted()).toEqual([...new Set(copied)].toSorted());
  });

  test('runs as a user whose number is fixed, and who owns the volume', () => {
    expect(all('USER')).toEqual([`${UID}:${UID}`]);
    expect(all('VOLUME')).toEqual(['/data']);
    expect(dockerfile).toContain(`useradd --uid ${UID} --gid ${UID}`);
    expect(dockerfile).toMatch(new RegExp(`install --directory --owner=${UID} --group=${UID} .*/data`));
  });

  test('starts, and is checked, by commands and flags that exist', () => {
    expect(listOf('ENTRYPOINT')).toEqual(['node', '/opt/taskmirror/bin/taskmirror.js']);
    expect(problemsOf(listOf('CMD'))).toEqual([]);
    const [program, ...check] = listOf('HEALTHCHECK');
    expect(program).toBe('taskmirror');
    expect(check).toContain('--max-age');
    expect(problemsOf(check)).toEqual([]);
  });
});

describe('deploy/compose.yaml', () => {
  const compose = read('deploy/compose.yaml');

  test('lets the container write to its volume and its /tmp only, without capabilities', () => {
    for (const line of ['read_only: true', '- ALL', '- no-new-privileges:true', '- data:/data']) {
      expect(compose).toContain(line);
    }
    expect(compose).not.toContain('cap_add');
  });

  test('names files that are there, and variables that the program reads', () => {
    const [, dockerfile = 'nothing'] = /dockerfile: (.*)/.exec(compose) ?? [];
    expect(existsSync(join(root, dockerfile))).toBe(true);
    const mounted = [...compose.matchAll(/- (\.\/[^:]+):/g)].map(([, path = '']) => path);
    expect(mounted).toEqual(['./config.json']);
    expect(existsSync(join(root, 'deploy', mounted[0] ?? ''))).toBe(true);
    const variables = compose.match(/\b(?:TASKMIRROR|SIGMIC)_[A-Z_]+/g) ?? [];
    const known = ['TASKMIRROR_CONFIG', ...settingLeaves().map(({ variable }) => variable)];
    expect(variables.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('gives the program the settings of config.json, which find the volume and the secret', async () => {
    const { database, sources } = await settingsIn(read('deploy/config.json'));
    expect(dirname(database)).toBe('/data');
    const [, secret] = /secrets:\n +- (\w+)/.exec(compose) ?? [];
    expect(sources.map(({ apiKey }) => apiKey)).toEqual([{ file: `/run/secrets/${secret}` }]);
    expect(read('.gitignore')).toContain(dirname(/file: \.\/(.*)/.exec(compose)?.[1] ?? 'nothing'));
  });
});

/** The command line of the program in a line of the unit or the crontab, which start the clone's own Node. */
function startIn(line: string): string[] {
  const program = '/opt/taskmirror/node_modules/.bin/node /opt/taskmirror/bin/taskmirror.js ';
  const [, command] = line.split(program);
  if (command === undefined) throw new Error(`${line} does not start the program of /opt/taskmirror`);
  return command.replace(/ >>.*/, '').split(' ');
}

describe('deploy/taskmirror.service', () => {
  const unit = read('deploy/taskmirror.service');
  const all = (name: string) =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value);

  test('starts the daemon by a command and flags that exist', () => {
    const [command = [], ...more] = all('ExecStart').map(startIn);
    expect(more).toEqual([]);
    expect(command[0]).toBe('daemon');
    expect(problemsOf(command)).toEqual([]);
  });

  test('may write only where the settings of deploy/README.md put the mirror', async () => {
    expect(all('ProtectSystem')).toEqual(['strict']);
    expect(all('ReadWritePaths')).toEqual([]);
    const [, json = ''] = /^```json\n(.*?)^```$/ms.exec(read('deploy/README.md')) ?? [];
    const { database } = await settingsIn(json);
    expect(dirname(database)).toBe(`/var/lib/${all('StateDirectory')[0]}`);
    expect(all('WorkingDirectory')).toEqual([dirname(database)]);
  });
});

describe('deploy/crontab', () => {
  const jobs = read('deploy/crontab')
    .split('\n')
    .filter((line) => /^[*\d]/.test(line));

  test('starts syncs by flags that exist, as the user of the unit, on schedules that come', () => {
    expect(jobs.length).toBeGreaterThan(0);
    const [, user] = /^User=(.*)$/m.exec(read('deploy/taskmirror.service')) ?? [];
    for (const job of jobs) {
      const fields = job.split(' ');
      expect(cronProblem(fields.slice(0, 5).join(' '))).toBeNull();
      expect(fields[5]).toBe(user);
      expect(startIn(job)[0]).toBe('sync');
      expect(problemsOf(startIn(job))).toEqual([]);
    }
  });

  test('logs to the file that deploy/logrotate rotates', () => {
    const logs = jobs.map((job) => />>(\S+)/.exec(job)?.[1]);
    expect([...new Set(logs)]).toEqual([/^(\S+) \{$/m.exec(read('deploy/logrotate'))?.[1]]);
  });
});
