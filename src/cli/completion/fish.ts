import type { Flag, Place, Values, Word } from './places.ts';

/** Returns a script for fish, to be put into ~/.config/fish/completions. */
export function fishScript(program: string, places: readonly Place[]): string {
  const commands = places.map(({ path }) => path).filter((path) => path !== '');
  const valueFlags = places.flatMap((place) =>
    place.flags.filter(({ values }) => values !== null).map(({ word }) => `${reachOf(place)} ${word}`),
  );
  return `# fish completion for ${program}, written by "${program} completion fish".
function __${program}_at --description 'Whether the command that is being typed matches'
    set -l at ''
    set -l is_value 0
    for word in (commandline -opc)[2..-1]
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch "$at $word"
            case ${valueFlags.map(quoted).join(' ')}
                set is_value 1
            case ${commands.map(quoted).join(' ')}
                set at "$at $word"
        end
    end
    string match -q -- "$argv[1]" "$at"
end
complete -c ${program} -f
${places.flatMap((place) => linesOf(program, place)).join('\n')}
`;
}

/** Returns a glob of the commands that take this one's flags: itself, and its subcommands. */
function reachOf({ path, commands }: Place): string {
  return commands.length === 0 ? path : `${path}*`;
}

function linesOf(program: string, place: Place): string[] {
  const at = (glob: string) => `complete -c ${program} -n ${quoted(`__${program}_at "${glob}"`)}`;
  return [
    ...place.commands.map(
      (command) => `${at(place.path)} -a ${quoted(command.word)} ${descriptionOf(command)}`,
    ),
    ...argumentOf(place.argument).map((argument) => `${at(place.path)} ${argument}`),
    ...place.flags.map(
      (flag) =>
        `${at(reachOf(place))} -l ${flag.word.slice('--'.length)}${valueOf(flag)} ${descriptionOf(flag)}`,
    ),
  ];
}

function argumentOf(values: Values): string[] {
  if (values === 'file') return ['-F'];
  return values === 'anything' || values.length === 0 ? [] : [`-a ${quoted(values.join(' '))}`];
}

function valueOf({ values }: Flag): string {
  if (values === null) return '';
  if (values === 'file') return ' -r -F';
  return values === 'anything' ? ' -x' : ` -x -a ${quoted(values.join(' '))}`;
}

function descriptionOf({ description }: Word): string {
  return `-d ${quoted(description)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
