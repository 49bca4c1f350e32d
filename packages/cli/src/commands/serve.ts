import type { Command } from 'commander';

import { Failure, usage } from '../failure.ts';
import { parsePort } from '../input/parse-options.ts';
import { storeKind } from '../open-store.ts';
import type { Begin } from '../program.ts';
import { serveStore } from '../serve-store.ts';
import { addWatchOptions, watchBeside, type BesideOptions } from '../watch/watch-beside.ts';

interface Options extends BesideOptions {
  readonly port: string;
  readonly dev?: true;
}

/** `daybook serve`: lets the clients of KurrentDB use the store. */
export function registerServe(program: Command, begin: Begin): void {
  const serving = program
    .command('serve')
    .summary('serve a store')
    .description(
      'Serves the store to the official clients of KurrentDB, until Ctrl-C. Other processes may use it too. Watches its ' +
        'consumers and read models, and says on standard error when one needs help; the alerts are in $alerts, too.',
    )
    .option('-p, --port <port>', 'where to listen, or 0 for any port that is free', '2113')
    .option('--dev', 'for this machine only, without TLS and users');
  addWatchOptions(serving).action(async (options: Options, command: Command) => {
    const { port, dev } = options;
    const shell = begin(command);
    const wanted = parsePort(port);
    if (storeKind(shell.location) === 'server') throw usage('A server is served already. Give --store FILE.');
    if (dev !== true) {
      throw new Failure(
        'refused',
        10,
        'A server for others needs TLS and users, and this version has neither. To serve this machine only, say --dev.',
      );
    }
    await using store = await shell.open('create');
    await using _ = watchBeside(shell, store, options);
    await serveStore(store, {
      port: wanted,
      signal: shell.signal,
      onServing: async ({ connectionString }) => {
        await shell.printOne({ store: shell.location, connectionString });
        shell.say('For this machine only, without passwords. Ctrl-C stops it.');
      },
    });
  });
}
