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
  { cycles: 200, run: failDisk },
  { cycles: 1, run: fillDisk },
  { cycles: 500, run: rot },
  { cycles: 1, run: delaySyncs },
  { cycles: 200, run: runTwoProcesses },
  { cycles: 100, run: ignoreSubscriptions },
  { cycles: 1, run: attack },
  { cycles: 2, run: idle },
];

/** All crash programmes, one after the other, `--cycles` times as long as for a change. */
const { run } = commandLine(1);
for (const programme of programmes) report(await programme.run({ ...run, cycles: programme.cycles * run.cycles }));
