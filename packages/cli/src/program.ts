import { Command, CommanderError } from 'commander';

import { registerAbsent } from './commands/absent.ts';
import { registerAppend } from './commands/append.ts';
import { registerBackup } from './commands/backup.ts';
import { registerBench } from './commands/bench.ts';
import { registerCheck } from './commands/check.ts';
import { registerCheckpoint } from './commands/checkpoint.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerConsumers } from './commands/consumers.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerExport } from './commands/export.ts';
import { registerGameday } from './commands/gameday.ts';
import { registerImport } from './commands/import.ts';
import { registerModel } from './commands/model.ts';
import { registerRead } from './commands/read.ts';
import { registerScavenge } from './commands/scavenge.ts';
import { registerServe } from './commands/serve.ts';
import { registerStart } from './commands/start.ts';
import { registerState } from './commands/state.ts';
import { registerStream } from './commands/stream.ts';
import { registerStreams } from './commands/streams.ts';
import { registerTail } from './commands/tail.ts';
import { registerTorture } from './commands/torture.ts';
import { registerTrace } from './commands/trace.ts';
import { registerVerify } from './commands/verify.ts';
import { registerWatch } from './commands/watch.ts';
import type { ExitCode } from './exit-code.ts';
import { Failure } from './failure.ts';
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

/** The whole command line, with its commands. */
function createProgram(terminal: Terminal, signal: AbortSignal): Command {
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
  const begin: Begin = (command) => new Shell(terminal, signal, command.optsWithGlobals<SharedOptions>());
  registerServe(program, begin);
  registerAppend(program, begin);
  registerRead(program, begin);
  registerTail(program, begin);
  registerState(program, begin);
  registerTrace(program, begin);
  registerAbsent(program, begin);
  registerStreams(program, begin);
  registerStream(program, begin);
  registerConsumers(program, begin);
  registerCheckpoint(program, begin);
  registerWatch(program, begin);
  registerCheck(program, begin);
  registerImport(program, begin);
  registerExport(program, begin);
  registerModel(program, begin);
  registerGameday(program, begin);
  registerVerify(program, begin);
  registerBackup(program, begin);
  registerScavenge(program, begin);
  registerDoctor(program, begin);
  registerBench(program, begin);
  registerTorture(program, begin);
  registerCompletion(program, begin);
  registerStart(program, begin);
  return program;
}

/** Runs one command line, and gives its exit code. */
export async function runCommandLine(
  words: readonly string[],
  { terminal, signal }: { readonly terminal: Terminal; readonly signal: AbortSignal },
): Promise<ExitCode> {
  try {
    await createProgram(terminal, signal).parseAsync([...words], { from: 'user' });
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
