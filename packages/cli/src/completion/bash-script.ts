import type { CommandWords } from './command-words.ts';

/** A script for bash that completes commands, options and names of streams. */
export function bashScript(words: readonly CommandWords[]): string {
  const cases = words.map(({ path, commands, options, takesStream }) => {
    const all = [...commands.map(({ name }) => name), ...options].join(' ');
    return `    '${path}') words='${all}'; streams=${takesStream ? 1 : 0} ;;`;
  });
  return `# daybook completion for bash: eval "$(daybook completion bash)"
_daybook() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' words='' streams=0 index word
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "\${path:+$path }$word" in
${words
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      '${path}') path='${path}' ;;`)
  .join('\n')}
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  if [[ "\${COMP_WORDS[COMP_CWORD-1]}" == --store ]]; then COMPREPLY=($(compgen -f -- "$current")); return; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ "$streams" == 1 && "$current" != -* ]]; then
    # Names are data: they are never given to compgen -W, which would run what they say.
    while IFS= read -r word; do
      COMPREPLY+=("$(printf '%q' "$word")")
    done < <(timeout 1 daybook streams "$current" --limit 50 --quiet 2>/dev/null | cut -f 4)
  fi
}
complete -o default -F _daybook daybook
`;
}
