import { CommanderError } from 'commander';

import { exitCodeOf, type ExitCode } from './exit-code.ts';
import { Failure } from './failure.ts';
import { OutputClosed, type Terminal } from './output/terminal.ts';
import { visibleText } from './output/visible-text.ts';

/** Sentences for errors of the operating system. They follow the path or the port. */
const systemErrors: Readonly<Record<string, string>> = {
  EACCES: 'may not be used by you: check its permissions',
  EADDRINUSE: 'is in use by another program: stop it, or choose another port with --port',
  EADDRNOTAVAIL: 'is no address of this machine',
  EISDIR: 'is a folder, and a file is needed',
  ENOENT: 'is not there',
  ENOSPC: 'is on a full disk: free some space',
  ENOTDIR: 'lies in something that is no folder',
  EROFS: 'is on a disk that cannot be written to',
};

/** Says what went wrong in a sentence, with the error's code, and gives the exit code for it. */
export function reportError(terminal: Terminal, error: unknown): ExitCode {
  if (error instanceof OutputClosed) return 0;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const code = codeOf(error);
  terminal.say(`${terminal.talkStyle('red', '✗')} ${sentence(error)} [${code}]\n`);
  if (code === 'internal' && error instanceof Error) terminal.say(`${error.stack ?? ''}\n`);
  return error instanceof Failure ? error.exitCode : exitCodeOf(code);
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : 'internal';
}

function sentence(error: unknown): string {
  if (!(error instanceof Error)) return visibleText(String(error));
  const known = systemErrors[codeOf(error)];
  if (known === undefined) return visibleText(error.message) + hint(error);
  const path: unknown = Reflect.get(error, 'path') ?? Reflect.get(error, 'dest');
  const port: unknown = Reflect.get(error, 'port');
  const what = typeof path === 'string' ? path : typeof port === 'number' ? `Port ${port}` : 'It';
  return `${visibleText(what)} ${known}.`;
}

/** What the library cannot know: how this command line says it. */
function hint(error: Error): string {
  switch (codeOf(error)) {
    case 'wrong-expected-revision': {
      const stream = String(Reflect.get(error, 'stream'));
      return ` Another writer was first. Look (daybook read ${stream}) and try again, or use --expected any.`;
    }
    case 'port-in-use':
      return ' (--port 2114, or --port 0 for any that is free)';
    case 'not-a-store':
      return ' Give another --store, or append an event to make one.';
    default:
      return '';
  }
}
