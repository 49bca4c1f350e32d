import { Command, CommanderError } from 'commander';

import type { ExitCode } from './exit-code.ts';
import { Failure } from './failure.ts';
import { loadCommands } from './load-commands.ts';
import { defaultStore } from './open-store.ts';
import type { Terminal } from './output/terminal.ts';
import { reportError } from './report-error.ts';
import { Shell, type SharedOptions } from './shell.ts';
import { version } from './version.ts';

/** Makes the shell that a command runs in, from the options it was given. */
export type Begin = (command: Command) => Shell;

const exitCodes = `
Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 5 denied, 6 unavailable, 7 unknown outcome,
8 check failed, 9 damaged data, 10 refused, 74 I/O error, 130 interrupted.`;

/** The whole command line, without its commands. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('daybook');
  program
    .description('An event store in a file, and the server for it.')
    .version(version(), '-V, --version', 'say the version')
    .helpOption('-h, --help', 'say how this is used')
    .helpCommand('help [command]', 'say how a command is used')
    .option('--store <where>', `a file, memory:, or esdb://… of a server (default: $DAYBOOK_STORE, or ${defaultStore})`)
    .option('--json', 'write data as JSON')
    .option('--ndjson', 'write data as JSON, one thing a line')
    .option('-q, --quiet', 'write data and errors only')
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(120, terminal.width) })
    .configureOutput({ outputError: (text) => terminal.say(`${terminal.talkStyle('red', '✗')} ${usageError(text)}\n`) })
    .addHelpText('after', exitCodes)
    .exitOverride();
  return program;
}

/** Runs one command line, and gives its exit code. */
export async function runCommandLine(
  words: readonly string[],
  { terminal, signal }: { readonly terminal: Terminal; readonly signal: AbortSignal },
): Promise<ExitCode> {
  try {
    const program = createProgram(terminal);
    const begin: Begin = (command) => new Shell(terminal, signal, command.optsWithGlobals<SharedOptions>());
    for (const register of await loadCommands(words)) register(program, begin);
    await program.parseAsync([...words], { from: 'user' });
    return 0;
  } catch (error) {
    // What a command has found before it was stopped counts.
    const isSaid = error instanceof CommanderError || error instanceof Failure;
    if (signal.aborted && !isSaid) return 130;
    return reportError(terminal, error);
  }
}

/** Commander's words for a wrong command line, as a sentence like ours. */
function usageError(text: string): string {
  const [first = '', suggestion] = text.trim().split('\n');
  const what = first.replace(/^error: /, '');
  const help = suggestion === undefined ? ' See daybook --help.' : ` ${suggestion.replaceAll(/[()]/g, '')}`;
  return `${what.charAt(0).toUpperCase()}${what.slice(1)}.${help} [usage]`;
}
