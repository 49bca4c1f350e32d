/** What is left of the appends, and of the event loop, on a disk whose sync takes 2 ms, as in a cloud? */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import { compileDiskShim, DiskControl } from '../test/crash/support/disk-shim.ts';
import { readFlags, type Flags } from './support/flags.ts';
import { callersFor, compare, print, repeatFor, significant, tail } from './support/measure.ts';
import { RawTable } from './support/raw-table.ts';
import { runChild } from './support/run-child.ts';
import { body, sampleEvent, sampleStream } from './support/sample-events.ts';
import { benchFolder, openStore, preload } from './support/store.ts';

const flags = readFlags('events', 'folder', 'delay', 'control');
const delayMs = flags.number('delay', 2);
const control = flags.text('control', '');

if (control === '') startUnderShim(flags);
else await measure(flags, control);

/** The shim must be there when the process begins, so the measuring is done by another one. */
function startUnderShim({ text, seconds, repeats, number }: Flags): void {
  using shim = compileDiskShim();
  using folder = benchFolder(text('folder', '') || undefined);
  using made = new DiskControl(join(folder.path, 'control'));
  const given = { seconds, repeats, events: number('events', 20_000), delay: delayMs, folder: folder.path };
  const args = Object.entries({ ...given, control: made.path }).map(([flag, value]) => `--${flag}=${value}`);
  const found = runChild(import.meta.filename, args, shim.environment({ folder: folder.path, control: made }));
  print(found as Parameters<typeof print>[0]);
}

async function measure({ seconds, repeats, number, text }: Flags, controlPath: string): Promise<void> {
  const folder = text('folder', '');
  if (!existsSync(folder)) throw new Error(`There is no folder ${folder}.`);
  using disk = new DiskControl(controlPath, 'join');
  await using store = await openStore(join(folder, 'x.db'));
  using raw = new RawTable(join(folder, 'raw.db'));
  await preload(store, number('events', 20_000));
  disk.delaySyncs(delayMs * 1_000);
  const rows = [];
  for (const inFlight of [64, 1, 16, 256]) {
    const loop = monitorEventLoopDelay({ resolution: 1 });
    const { latencies, ...found } = await compare({
      seconds,
      repeats,
      ours: (time) => {
        loop.enable();
        return callersFor(time, {
          callers: inFlight,
          size: 1,
          call: () => store.append(sampleStream(), [sampleEvent()], { expected: 'any' }),
        }).finally(() => loop.disable());
      },
      theirs: (time) =>
        repeatFor(time, () => {
          raw.commit(Array.from({ length: inFlight }, body));
          return inFlight;
        }),
    });
    // A timer of 1 ms is late by as long as something else keeps the loop.
    const loopLateP99Ms = significant(loop.percentile(99) / 1e6 - 1);
    rows.push({ what: `${inFlight} in flight`, ...found, ...tail(latencies), loopLateP99Ms });
  }
  const question = `durable appends, 64 in flight, against a bare table with commits of 64, each sync ${delayMs} ms longer`;
  print({ ratio: rows[0]?.ratio ?? 0, question, rows });
}
