import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How a child ended, and what it said on its error stream. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly errors: string;
}

export interface StartChildOptions {
  readonly args?: readonly string[] | undefined;
  /** Added to this process's environment. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Called for each complete line of its output. A line that a kill cut off is dropped. */
  readonly onLine?: (line: string) => void;
  /** Runs the programme instead of Node: its own arguments; Node's command is added to them. */
  readonly wrapper?: readonly string[] | undefined;
}

/** A Node process of ours that a test may kill. Leaving its scope kills it. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when the child has printed its first line, `ready`; rejects when it ends before. */
  readonly ready: Promise<void>;
  readonly ended: Promise<Ended>;
  /** Sends a line to its input. */
  send(line: string): void;
  /** SIGKILL: no handler runs, nothing is flushed. */
  kill(): void;
}

/** Starts a module of this folder as a process of its own. */
export function startChild(
  module: URL,
  { args = [], environment, onLine, wrapper = [] }: StartChildOptions = {},
): Child {
  const command = [
    ...wrapper,
    process.execPath,
    '--no-warnings',
    '--conditions=@daybook/source',
    fileURLToPath(module),
  ];
  const [program = process.execPath, ...rest] = command;
  const child = spawn(program, [...rest, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'daybook-compile-cache'), ...process.env, ...environment },
  });
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  ready.catch(() => {}); // Whoever does not wait for it sees how the child ended.
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdin.on('error', () => {}); // The child is gone; `ended` says why.
  readLines(child, (line) => (line === 'ready' ? resolve() : onLine?.(line)));
  const ended = new Promise<Ended>((done) => {
    child.on('error', (error) => (errors += String(error)));
    child.on('close', (code, signal) => {
      reject(new Error(`The child ended before it was ready (${signal ?? code}): ${errors}`));
      done({ code, signal, errors });
    });
  });
  return {
    pid: child.pid ?? 0,
    ready,
    ended,
    send: (line) => void child.stdin.write(`${line}\n`),
    kill: () => void child.kill('SIGKILL'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function readLines(child: ChildProcess, onLine: (line: string) => void): void {
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}
