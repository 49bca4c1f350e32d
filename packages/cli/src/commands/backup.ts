import { stat } from 'node:fs/promises';

import type { Command } from 'commander';
import type { SqliteStore } from 'daybook/sqlite';

import { checkFile, openFile } from '../open-store.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';
import { verifyFile } from '../verify-file.ts';

/** `daybook backup …`: copies of a store. */
export function registerBackup(program: Command, begin: Begin): void {
  const backup = program.command('backup').description('Makes copies of a store, checks them, and puts them back.');
  registerCreate(backup, begin);
  registerVerify(backup, begin);
  registerRestore(backup, begin);
}

function registerCreate(backup: Command, begin: Begin): void {
  backup
    .command('create')
    .description('Copies the store as it is now to a new file, while it is in use.')
    .argument('<file>', 'the copy')
    .action(async (target: string, _options: unknown, command: Command) => {
      const shell = begin(command);
      await using store = await openFile(shell.location, 'backed up');
      await copied(shell, store, target);
      const { size } = await stat(target);
      const { position, logId, epoch } = await store.head();
      await shell.printOne({ backup: target, sizeBytes: size, position, logId, epoch });
    });
}

function registerVerify(backup: Command, begin: Begin): void {
  backup
    .command('verify')
    .description(
      'Reads every event of a copy and compares it with its checksum. Ends with 9 when something is damaged.',
    )
    .argument('<file>', 'the copy')
    .action(async (path: string, _options: unknown, command: Command) => {
      await verifyFile(begin(command), path);
    });
}

function registerRestore(backup: Command, begin: Begin): void {
  backup
    .command('restore')
    .description('Makes a store out of a copy, at the place that --store names, where no store is. Raises its epoch.')
    .argument('<file>', 'the copy')
    .action(async (path: string, _options: unknown, command: Command) => {
      const shell = begin(command);
      checkFile(shell.location, 'restored');
      const { restoreSqliteStore } = await import('daybook/sqlite');
      await restoreSqliteStore(path, shell.location);
      await using store = await openFile(shell.location, 'restored');
      const { position, logId, epoch } = await store.head();
      await shell.printOne({ store: shell.location, position, logId, epoch });
    });
}

async function copied(shell: Shell, store: SqliteStore, target: string): Promise<void> {
  using progress = shell.progress('pages');
  for await (const { pagesDone, pagesTotal } of store.backup(target, { signal: shell.signal })) {
    progress.update(pagesDone, pagesTotal === 0 ? undefined : pagesDone / pagesTotal);
  }
}
