import type { Command } from 'commander';

/** What can follow after some words of a command line. */
export interface CommandWords {
  /** The commands so far: `stream show`. Empty for `daybook` itself. */
  readonly path: string;
  /** Names of commands, with what they do. */
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  /** Options: `--store`. */
  readonly options: readonly string[];
  /** Whether a name of a stream follows. */
  readonly takesStream: boolean;
}

/** What can follow, for every command. */
export function commandWords(program: Command): readonly CommandWords[] {
  const shared = optionsOf(program);
  return wordsBelow(program, '', shared);
}

function wordsBelow(command: Command, path: string, shared: readonly string[]): readonly CommandWords[] {
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');
  return [
    {
      path,
      commands: visible.map((each) => ({ name: each.name(), about: each.summary() || each.description() })),
      options: [...new Set([...optionsOf(command), ...shared])],
      takesStream: command.registeredArguments.some((argument) => argument.name() === 'stream'),
    },
    ...visible.flatMap((each) => wordsBelow(each, `${path} ${each.name()}`.trim(), shared)),
  ];
}

function optionsOf(command: Command): readonly string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long }) => (long ? [long] : []));
}
