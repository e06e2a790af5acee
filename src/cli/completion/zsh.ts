import type { Place, Word } from './places.ts';
import { patternsOf, posixQuoted } from './posix.ts';

/** Returns a script for zsh, to be sourced after compinit, or put into a folder of $fpath as _<program>. */
export function zshScript(program: string, places: readonly Place[]): string {
  const { valueFlags, commands, fileFlags, freeFlags, choices } = patternsOf(places);
  return `#compdef ${program}
# zsh completion for ${program}, written by "${program} completion zsh".
_${program}() {
  local at= prev=\${words[CURRENT - 1]} i
  local -a subcommands flags
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      (${valueFlags})
        ((i++))
        ;;
      (${commands})
        at+=" \${words[i]}"
        ;;
    esac
  done
  if [[ $PREFIX == --*=* ]]; then
    prev=\${PREFIX%%=*}
    compset -P 1 '*='
  fi
  case "$at $prev" in
    (${fileFlags})
      _files
      ;;
    (${freeFlags})
      ;;
${choices.map(({ pattern, words }) => `    (${pattern}) compadd -- ${words.map(posixQuoted).join(' ')} ;;`).join('\n')}
    (*)
      case "$at" in
${places.map(placeArm).join('\n')}
      esac
      ;;
  esac
}
if [[ "\${funcstack[1]}" == _${program} ]]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`;
}

function placeArm({ path, commands, flags, inherited, argument }: Place): string {
  const lines = [`flags=(${described([...flags, ...inherited])})`];
  if (commands.length > 0) {
    lines.push(`subcommands=(${described(commands)})`, '_describe command subcommands');
  }
  if (argument === 'file') lines.push('_files');
  else if (argument !== 'anything' && argument.length > 0) {
    lines.push(`compadd -- ${argument.map(posixQuoted).join(' ')}`);
  }
  lines.push('_describe option flags');
  return [`        (${posixQuoted(path)})`, ...lines.map((line) => `          ${line}`), '          ;;'].join(
    '\n',
  );
}

function described(words: readonly Word[]): string {
  return words
    .map(({ word, description }) => posixQuoted(`${word.replaceAll(':', '\\:')}:${description}`))
    .join(' ');
}
