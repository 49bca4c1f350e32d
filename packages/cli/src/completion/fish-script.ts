import type { CommandWords } from './command-words.ts';

/** A script for fish that completes commands, options and names of streams. */
export function fishScript(words: readonly CommandWords[]): string {
  const lines = words.flatMap(({ path, commands, options, takesStream }) => {
    const when = `-n '__daybook_at "${path}"'`;
    return [
      ...commands.map(
        ({ name, about }) => `complete -c daybook ${when} -f -a '${name}' -d '${about.replaceAll("'", "\\'")}'`,
      ),
      ...options.map((option) => `complete -c daybook ${when} -l '${option.slice(2)}'`),
      ...(takesStream ? [`complete -c daybook ${when} -f -a '(__daybook_streams)'`] : []),
    ];
  });
  const paths = words.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  return `# daybook completion for fish: daybook completion fish | source
function __daybook_at
    set -l path
    for word in (commandline -opc)[2..]
        if contains -- (string join ' ' $path $word) ${paths.join(' ')}
            set -a path $word
        end
    end
    test (string join ' ' $path) = "$argv[1]"
end
function __daybook_streams
    timeout 1 daybook streams (commandline -ct) --limit 50 --quiet 2>/dev/null | cut -f 4
end
${lines.join('\n')}
`;
}
