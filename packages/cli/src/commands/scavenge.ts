import type { Command } from 'commander';
import type { ScavengeProgress, ScavengingStore } from 'daybook';

import { openFile } from '../open-store.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';

/** `daybook scavenge`: frees the space of what is hidden. */
export function registerScavenge(program: Command, begin: Begin): void {
  program
    .command('scavenge')
    .summary('free the space of what is deleted')
    .description(
      'Frees the space of events that were deleted, truncated or outlived, while the store is in use. Can be stopped and ' +
        'run again.',
    )
    .option('--dry-run', 'only say what would be freed')
    .action(async ({ dryRun }: { dryRun?: true }, command: Command) => {
      const shell = begin(command);
      await using store = await openFile(shell.location, 'scavenged');
      const total = await followed(shell, store, dryRun === true);
      await shell.printOne({ ...total, dryRun: dryRun === true });
    });
}

async function followed(shell: Shell, store: ScavengingStore, isPlan: boolean): Promise<ScavengeProgress> {
  const { signal } = shell;
  const { position: end } = await store.head();
  using progress = shell.progress('events');
  let last: ScavengeProgress = { eventsSeen: 0n, eventsFreed: 0n, bytesFreed: 0n };
  for await (last of isPlan ? store.planScavenge({ signal }) : store.scavenge({ signal })) {
    progress.update(Number(last.eventsSeen), end === undefined ? undefined : Number(last.eventsSeen) / Number(end));
  }
  return last;
}
