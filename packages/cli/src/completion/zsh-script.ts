import type { CommandWords } from './command-words.ts';

/** A script for zsh that completes commands, options and names of streams. */
export function zshScript(words: readonly CommandWords[]): string {
  const cases = words.map(({ path, commands, options, takesStream }) => {
    const described = commands.map(({ name, about }) => `'${name}:${quoted(about)}'`).join(' ');
    return `    '${path}') commands=(${described}); options=(${options.join(' ')}); streams=${takesStream ? 1 : 0} ;;`;
  });
  return `#compdef daybook
# daybook completion for zsh: eval "$(daybook completion zsh)"
_daybook() {
  local path_so_far='' word streams=0
  local -a commands options names
  for word in "\${words[@]:1:$((CURRENT - 2))}"; do
    case "\${path_so_far:+$path_so_far }$word" in
${words
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      '${path}') path_so_far='${path}' ;;`)
  .join('\n')}
    esac
  done
  case "$path_so_far" in
${cases.join('\n')}
  esac
  if [[ "\${words[CURRENT-1]}" == --store ]]; then _files; return; fi
  if [[ "\${words[CURRENT]}" == -* ]]; then compadd -- $options; return; fi
  if (( streams )); then
    names=(\${(f)"$(timeout 1 daybook streams "\${words[CURRENT]}" --limit 50 --quiet 2>/dev/null | cut -f 4)"})
    compadd -- $names
    return
  fi
  if (( $#commands )); then _describe command commands; else _files; fi
}
if [[ "\${funcstack[1]}" == _daybook ]]; then _daybook "$@"; else compdef _daybook daybook; fi
`;
}

function quoted(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll(':', '\\:');
}
