import type { Place } from './places.ts';
import { patternsOf, posixQuoted } from './posix.ts';

/** Returns a script for bash 3.2 and newer, to be sourced. */
export function bashScript(program: string, places: readonly Place[]): string {
  const { valueFlags, commands, fileFlags, freeFlags, choices } = patternsOf(places);
  return `# bash completion for ${program}, written by "${program} completion bash".
_${program}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} at= files= words= word i
  # Bash takes --flag=value for three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${valueFlags})
        [[ \${COMP_WORDS[i + 1]} == = ]] && ((i++))
        ((i++))
        ;;
      ${commands})
        at+=" \${COMP_WORDS[i]}"
        ;;
    esac
  done
  case "$at $prev" in
    ${fileFlags})
      files=1
      ;;
    ${freeFlags})
      ;;
${choices.map(({ pattern, words }) => `    ${pattern}) words=${posixQuoted(words.join(' '))} ;;`).join('\n')}
    *)
      case "$at" in
${places.map(placeArm).join('\n')}
      esac
      ;;
  esac
  COMPREPLY=()
  while IFS= read -r word; do
    COMPREPLY+=("$word")
  done < <(
    compgen -W "$words" -- "$cur"
    [[ -n $files ]] && compgen -f -- "$cur"
  )
  # Lets bash quote the names and end folders with a slash; older ones have no compopt.
  [[ -n $files ]] && compopt -o filenames 2>/dev/null
  return 0
}
complete -F _${program} ${program}
`;
}

function placeArm({ path, commands, flags, inherited, argument }: Place): string {
  const choices = typeof argument === 'string' ? [] : argument;
  const typed = [...commands, ...flags, ...inherited].map(({ word }) => word);
  const files = argument === 'file' ? ' files=1' : '';
  return `        ${posixQuoted(path)}) words=${posixQuoted([...choices, ...typed].join(' '))}${files} ;;`;
}
