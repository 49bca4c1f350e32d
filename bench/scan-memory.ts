/** How much memory does a scan of the whole log need, compared to a process that only opened it? */
import { join } from 'node:path';

import { readFlags } from './support/flags.ts';
import { print, significant } from './support/measure.ts';
import { runChild } from './support/run-child.ts';
import { benchFolder, openStore, preload } from './support/store.ts';

const { number, text } = readFlags('events', 'folder', 'scan');
const scanned = text('scan', '');

/** What a process that reads a store needed at most, in MiB. */
interface Needed {
  readonly opened: number;
  readonly scanned: number;
  readonly events: number;
}

if (scanned === '') {
  const events = number('events', 1_000_000);
  using folder = benchFolder(text('folder', '') || undefined);
  const path = join(folder.path, 'x.db');
  {
    await using store = await openStore(path);
    await preload(store, events);
  }
  const needed = runChild(import.meta.filename, [`--scan=${path}`]) as Needed; // It prints just this.
  print({
    ratio: significant(needed.scanned / needed.opened),
    question: 'the most memory during a scan of $all, against the memory with the store just opened',
    budgetMiB: 200,
    openedMiB: needed.opened,
    scannedMiB: needed.scanned,
    events: needed.events,
  });
} else {
  console.log(JSON.stringify(await scan(scanned)));
}

async function scan(path: string): Promise<Needed> {
  await using store = await openStore(path);
  await store.head();
  const opened = memoryMiB();
  let most = opened;
  let events = 0;
  for await (const page of store.readAll().pages()) {
    events += page.length;
    most = Math.max(most, memoryMiB());
  }
  return { opened, scanned: most, events };
}

function memoryMiB(): number {
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}
