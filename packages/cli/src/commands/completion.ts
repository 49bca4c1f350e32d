import { Argument, type Command } from 'commander';

import { bashScript } from '../completion/bash-script.ts';
import { commandWords, type CommandWords } from '../completion/command-words.ts';
import { fishScript } from '../completion/fish-script.ts';
import { zshScript } from '../completion/zsh-script.ts';
import type { Begin } from '../program.ts';

const scripts: Readonly<Record<string, (words: readonly CommandWords[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** `daybook completion`: a script that completes command lines in a shell. */
export function registerCompletion(program: Command, begin: Begin): void {
  program
    .command('completion')
    .summary('complete command lines in your shell')
    .description(
      'Writes a script that completes commands, options and stream names: eval "$(daybook completion bash)".',
    )
    .addArgument(new Argument('<shell>', 'whose script').choices(Object.keys(scripts)))
    .action(async (name: string, _options: unknown, command: Command) => {
      const script = scripts[name] ?? bashScript; // Commander has checked the name.
      await begin(command).terminal.write(script(commandWords(program)));
    });
}
