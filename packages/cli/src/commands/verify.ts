import type { Command } from 'commander';

import { checkFile } from '../open-store.ts';
import type { Begin } from '../program.ts';
import { verifyFile } from '../verify-file.ts';

/** `daybook verify`: reads every event of a file and compares it with its checksum. */
export function registerVerify(program: Command, begin: Begin): void {
  program
    .command('verify')
    .summary('look for damage')
    .description(
      'Reads every event and compares checksums, seals and indexes, while the store is in use. Ends with 9 when ' +
        'something is damaged.',
    )
    .action(async (_options: unknown, command: Command) => {
      const shell = begin(command);
      checkFile(shell.location, 'verified');
      await verifyFile(shell, shell.location);
    });
}
