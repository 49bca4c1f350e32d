import { Terminal } from './output/terminal.ts';
import { runCommandLine } from './program.ts';

const stopping = new AbortController();
let isAskedAgain = false;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    // The second time somebody means it: what is being done is not brought to its end.
    if (isAskedAgain) process.exit(130);
    isAskedAgain = true;
    stopping.abort(new Error(`Stopped by ${name}.`));
  });
}
const terminal = new Terminal(process.stdout, process.stderr);
// A store that only waits for events does not keep a process alive. A command that waits for them does.
const running = setInterval(() => {}, 2 ** 30);
process.exitCode = await runCommandLine(process.argv.slice(2), { terminal, signal: stopping.signal });
clearInterval(running);
// A database that does not answer does not keep a command that is done, once what it has said is on its way.
setInterval(() => {
  if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit();
}, 1_000).unref();
