import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs a bench's own file once more, with other arguments or another environment, and gives the JSON that it prints. */
export function runChild(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): unknown {
  const path = file.startsWith('file:') ? fileURLToPath(file) : file;
  const output = execFileSync(process.execPath, ['--no-warnings', ...nodeFlags(), path, ...args], {
    env: { ...process.env, ...environment },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(output);
}

function nodeFlags(): readonly string[] {
  return process.execArgv.filter((flag) => !flag.startsWith('--no-warnings'));
}
