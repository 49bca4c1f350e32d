import { spawn, type ChildProcessByStdio, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** The command as it is started from a clone. */
const daybook = fileURLToPath(new URL('../../../packages/cli/bin/daybook.mjs', import.meta.url));

/** No command of these tests takes longer, unless it says so. */
const patienceMs = 60_000;

export interface CliOptions {
  readonly cwd: string;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command with pipes for everything, as a script does. */
export async function runCli(words: readonly string[], options: CliOptions): Promise<CliResult> {
  const child = startCli(words, options);
  child.stdin.on('error', () => {}); // A command that needs no input does not wait for it.
  child.stdin.end(options.input ?? '');
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const [code]: readonly unknown[] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, stdout: stdout(), stderr: stderr() };
}

/** Starts a command and leaves it running. */
export function startCli(words: readonly string[], options: CliOptions): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [daybook, ...words], {
    cwd: options.cwd,
    env: environment(options.env),
    timeout: options.timeoutMs ?? patienceMs,
  });
}

/** Runs a command in a window of so many columns. Gives what is on the screen in the end. */
export async function runInTerminal(
  words: readonly string[],
  options: CliOptions & { readonly columns: number },
): Promise<{ readonly code: number | null; readonly screen: string }> {
  const child = startInTerminal(words, options);
  const screen = collect(child.stdout);
  const [code]: readonly unknown[] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, screen: screen().replaceAll('\r\n', '\n') };
}

/** Starts a command in a window of so many columns, and leaves it running. */
export function startInTerminal(
  words: readonly string[],
  { cwd, columns, env }: CliOptions & { readonly columns: number },
): ChildProcessByStdio<null, Readable, null> {
  const command = [process.execPath, daybook, ...words].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
  const script = `stty cols ${columns} rows 24 && exec ${command.join(' ')}`;
  return spawn('script', ['-qec', script, '/dev/null'], {
    cwd,
    env: { ...environment(env), TERM: 'xterm-256color', SHELL: '/bin/sh' },
    timeout: patienceMs,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** What a stream has given so far, as text. */
export function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return () => text;
}

/** Waits until a command has written something that matches. */
export async function written(
  child: ChildProcessByStdio<Writable | null, Readable, Readable | null>,
  text: () => string,
  expected: RegExp,
): Promise<RegExpExecArray> {
  for (;;) {
    const match = expected.exec(text());
    if (match !== null) return match;
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`It ended with: ${text()}`);
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  }
}

function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const {
    CI: _____,
    NO_COLOR: _,
    FORCE_COLOR: __,
    DAYBOOK_STORE: ___,
    NODE_TEST_CONTEXT: ____,
    ...inherited
  } = process.env;
  return { ...inherited, ...extra };
}
