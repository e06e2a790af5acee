import type { Flag, Place, Values } from './places.ts';

/** The patterns of `case` by which the scripts of bash and zsh read a command line: each a path and a word. */
export interface Patterns {
  /** Every command but the program itself. */
  commands: string;
  /** Every flag that takes a value. */
  valueFlags: string;
  /** Those of them that take a file. */
  fileFlags: string;
  /** Those that take anything. */
  freeFlags: string;
  /** Those that take one of some words. */
  choices: { pattern: string; words: readonly string[] }[];
}

export function patternsOf(places: readonly Place[]): Patterns {
  const flags = places.flatMap((place) =>
    place.flags.flatMap(({ word, values }) =>
      values === null ? [] : [{ pattern: flagPattern(place, word), values }],
    ),
  );
  const taking = (values: Values): string =>
    alternatives(flags.filter((flag) => flag.values === values).map(({ pattern }) => pattern));
  return {
    commands: alternatives(places.filter(({ path }) => path !== '').map(({ path }) => posixQuoted(path))),
    valueFlags: alternatives(flags.map(({ pattern }) => pattern)),
    fileFlags: taking('file'),
    freeFlags: taking('anything'),
    choices: flags.flatMap(({ pattern, values }) =>
      typeof values === 'string' ? [] : [{ pattern, words: values }],
    ),
  };
}

function flagPattern({ path, commands }: Place, flag: Flag['word']): string {
  if (commands.length === 0) return posixQuoted(`${path} ${flag}`);
  // Its commands take the flag too.
  return `${path === '' ? '' : posixQuoted(path)}*${posixQuoted(` ${flag}`)}`;
}

function alternatives(patterns: readonly string[]): string {
  return patterns.join(' | ');
}

/** One word of a POSIX shell, whatever it holds. */
export function posixQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
