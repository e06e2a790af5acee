import type { Flag, Place, Values } from './places.ts';

/** The `case` patterns with which the bash and zsh scripts read a command line: each is a path and a word. */
export interface Patterns {
  /** Every command except the program itself. */
  commands: string;
  /** Every flag that takes a value. */
  valueFlags: string;
  /** The value flags that take a file. */
  fileFlags: string;
  /** The value flags that take anything. */
  freeFlags: string;
  /** The value flags that take one of some words. */
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
  // Its subcommands take the flag too.
  return `${path === '' ? '' : posixQuoted(path)}*${posixQuoted(` ${flag}`)}`;
}

function alternatives(patterns: readonly string[]): string {
  return patterns.join(' | ');
}

/** Quotes any text as one word of a POSIX shell. */
export function posixQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
