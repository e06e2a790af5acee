import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandsWithHelp } from '../../scripts/docs/cli.ts';
import { completion } from '../../src/cli/commands/completion.ts';
import { SHELLS, type Shell } from '../../src/cli/completion/shells.ts';
import { FORMATS } from '../../src/render/rows.ts';
import { Captured } from '../support/captured.ts';
import { temporaryFolder } from '../support/mirror.ts';

/** What the program takes at a place, as its help has it. */
const helps = new Map(commandsWithHelp().map((each) => [each.name, each.command]));

function scriptFor(shell: Shell): string {
  const stdout = new Captured();
  const program = helps.get('taskmirror');
  if (program === undefined) throw new Error('there is no program');
  completion({ stdout }, program, shell);
  return stdout.text;
}

/** How a shell is started, and a script that makes `offer WORD...` print what it offers for the last word, and END. */
const PROBES: Record<Shell, { flags: string[]; setup: string; words: (line: string) => string[] }> = {
  bash: {
    flags: ['--norc'],
    setup: `source ./script
      offer() {
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        # It can only be called while somebody types.
        compopt() { :; }
        _taskmirror
        printf '%s\n' "\${COMPREPLY[@]}" END
      }`,
    words: (line) => line.split(/ |(?==)|(?<==)/),
  },
  zsh: {
    flags: ['-f'],
    // The functions of zsh's own completion, as far as the script calls them: they print what they are given.
    setup: `compdef() { :; }
      compset() { :; }
      compadd() { shift; print -rl -- "$@"; }
      _files() { print -rl -- *(N); }
      _describe() { local each; for each in "\${(@P)2}"; do print -r -- "\${each%%:*}"; done; }
      source ./script
      offer() { words=("$@") CURRENT=$# PREFIX="\${@[-1]}"; _taskmirror; print END; }`,
    words: (line) => line.split(' '),
  },
  fish: {
    flags: ['--no-config'],
    setup: `source ./script
      function offer; complete -C "$argv"; echo END; end`,
    words: (line) => [line],
  },
};

/** What the shell offers for each line, sorted: without descriptions, and of --flag=value the value. */
function offers(shell: Shell, lines: readonly string[]): string[][] {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, 'sync'));
  writeFileSync(join(cwd, 'my tasks.db'), '');
  writeFileSync(join(cwd, 'script'), scriptFor(shell));
  const { flags, setup, words } = PROBES[shell];
  const calls = lines.map(
    (line) =>
      `offer ${words(line)
        .map((word) => `'${word}'`)
        .join(' ')}`,
  );
  const stdout = execFileSync(shell, [...flags, '-c', [setup, ...calls].join('\n')], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd },
    encoding: 'utf8',
  });
  return stdout
    .split('END\n')
    .slice(0, -1)
    .map((offered, nth) => {
      const typed = lines[nth]?.replace(/^.*[ =]/, '') ?? '';
      const candidates = offered
        .split('\n')
        .map((text) => text.replace(/\t.*| $/, '').replace(/^--\w+=/, ''));
      // In zsh that is up to compadd.
      const fits = (text: string) => shell !== 'zsh' || text.startsWith(typed);
      return [...new Set(candidates)].filter((text) => text !== '' && fits(text)).toSorted();
    });
}

const isMissing = (shell: Shell): boolean => shell !== 'bash' && spawnSync(shell, ['--version']).status !== 0;

describe.each(SHELLS)('in %s', (shell) => {
  describe.skipIf(isMissing(shell))('the script completes', () => {
    it.each<[what: string, lines: Record<string, string[]>]>([
      [
        'commands, flags and arguments',
        {
          'taskmirror sy': ['sync'],
          'taskmirror config sch': ['schema'],
          'taskmirror sync --al': ['--allow-removals'],
          'taskmirror completion b': ['bash'],
          'taskmirror help verif': ['verify'],
        },
      ],
      [
        'the choices of a flag, and nothing else',
        {
          'taskmirror query --format ': [...FORMATS].toSorted(),
          'taskmirror query --format=j': FORMATS.filter((format) => format.startsWith('j')).toSorted(),
        },
      ],
      [
        'files',
        {
          'taskmirror --db my': ['my tasks.db'],
          'taskmirror --db=my': ['my tasks.db'],
          'taskmirror query --file my': ['my tasks.db'],
          'taskmirror status --config my': ['my tasks.db'],
        },
      ],
      [
        'nothing where it knows nothing',
        {
          'taskmirror query --param ': [],
          'taskmirror query --max-rows ': [],
          'taskmirror demo --ful': [],
        },
      ],
      [
        "no value of a flag's as if it were a command",
        { 'taskmirror --db sync quer': ['query'], 'taskmirror --db=sync quer': ['query'] },
      ],
    ])('%s', (_, lines) => {
      expect(offers(shell, Object.keys(lines))).toEqual(Object.values(lines));
    });

    it('every flag of every command', () => {
      const expected = [...helps].map(([, command]) => {
        const own = command.options.map(({ long }) => long ?? '');
        return [...new Set([...own, '--help', '--version', '--config', '--db'])].toSorted();
      });
      expect(
        offers(
          shell,
          [...helps.keys()].map((name) => `${name} --`),
        ),
      ).toEqual(expected);
    });
  });
});
