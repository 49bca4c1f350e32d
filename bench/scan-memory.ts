/** How much memory do a scan of the whole log and an export need, compared to a process that only opened it? */
import { spawnSync } from 'node:child_process';
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
  const exported = exportMiB(path);
  print({
    ratio: significant(needed.scanned / needed.opened),
    question: 'the most memory during a scan of $all, against the memory with the store just opened',
    budgetMiB: 200,
    isMet: Math.max(needed.scanned, exported) < 200,
    openedMiB: needed.opened,
    scannedMiB: needed.scanned,
    exportMiB: exported,
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

/** What the command that exports a store needed at most. `maxRSS` would be that of the process that started it, if more. */
function exportMiB(path: string): number {
  const command = join(import.meta.dirname, '../packages/cli/bin/daybook.mjs');
  const status = 'fs.readFileSync("/proc/self/status", "utf8")';
  const most = `process.platform === "linux" ? /VmHWM:\\s+(\\d+)/.exec(${status})[1] : process.resourceUsage().maxRSS`;
  const sayMost = `import fs from "node:fs"; process.on("exit", () => process.stderr.write("\\n" + (${most}) + "\\n"))`;
  const args = [
    `--import=data:text/javascript,${encodeURIComponent(sayMost)}`,
    command,
    '--store',
    path,
    'export',
    '-o',
    `${path}.ndjson`,
  ];
  const { status: code, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (code !== 0) throw new Error(`The export failed: ${stderr}`);
  return Math.round(Number(stderr.trim().split('\n').at(-1)) / 1_024);
}

function memoryMiB(): number {
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}
