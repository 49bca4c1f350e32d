import { spawnSync } from 'node:child_process';

import { rot } from './bit-rot.ts';
import { contend } from './contend.ts';
import { fillDisk } from './disk-full.ts';
import { delaySyncs } from './event-loop.ts';
import { attack } from './hostile-network.ts';
import { idle } from './idle-subscriptions.ts';
import { failDisk } from './io-errors.ts';
import { killConsumer } from './kill-consumer.ts';
import { killEffects } from './kill-effects.ts';
import { killServer } from './kill-server.ts';
import { killWriter } from './kill-writer.ts';
import { migrate } from './migrate.ts';
import { losePower } from './power-loss.ts';
import { ignoreSubscriptions } from './slow-subscribers.ts';
import { commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { runTwoProcesses } from './two-processes.ts';
import { runWithWrongClocks } from './wrong-clocks.ts';

/** Every programme, and how often it does its work when `--cycles` is 1. */
const programmes: readonly { readonly cycles: number; readonly run: (run: Run) => Promise<Outcome> }[] = [
  { cycles: 300, run: killWriter },
  { cycles: 50, run: (run) => killWriter({ ...run, writers: 4 }) },
  { cycles: 50, run: killServer },
  { cycles: 200, run: killConsumer },
  { cycles: 60, run: killEffects },
  { cycles: 1, run: runWithWrongClocks },
  { cycles: 25, run: contend },
  { cycles: 2_000, run: losePower },
  { cycles: 50, run: migrate },
  { cycles: 200, run: failDisk },
  { cycles: 1, run: fillDisk },
  { cycles: 500, run: rot },
  { cycles: 1, run: delaySyncs },
  { cycles: 200, run: runTwoProcesses },
  { cycles: 100, run: ignoreSubscriptions },
  { cycles: 1, run: attack },
  { cycles: 2, run: idle },
];

/** Programmes that are tests of the test runner: they take their size and seed from the environment. */
const tests: readonly (readonly [promise: string, file: string])[] = [
  ['R9 the model', 'test/model/model.test.ts'],
  ['R10 linearizability', 'test/linearizability/linearizability.test.ts'],
  ['R11 readers at the end', 'test/live/tailing.test.ts'],
  ['R12 hand-over', 'test/live/hand-over.test.ts'],
];

/** Runs a test as it runs in CI, so many times as long. */
function runTest(promise: string, file: string, { cycles, seed }: Run): void {
  const environment = { CI: 'true', CYCLES: String(cycles), SEED: String(seed) };
  const words = ['--conditions=@daybook/source', '--test', '--test-isolation=none', file];
  const { status } = spawnSync(process.execPath, words, { stdio: 'inherit', env: { ...process.env, ...environment } });
  if (status === 0) {
    process.stdout.write(`${promise}: kept, ${cycles} times as long as for a change.\n`);
    return;
  }
  const set = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  process.stdout.write(`${promise}: broken. Again with: ${[...set, 'node', ...words].join(' ')}\n`);
  process.exitCode = 8;
}

/** All programmes, one after the other, `--cycles` times as long as for a change. */
const { run } = commandLine(1);
for (const programme of programmes) report(await programme.run({ ...run, cycles: programme.cycles * run.cycles }));
for (const [promise, file] of tests) runTest(promise, file, run);
