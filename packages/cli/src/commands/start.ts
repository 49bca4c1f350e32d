import { mkdir } from 'node:fs/promises';
import { dirname, relative } from 'node:path';

import type { Command } from 'commander';

import { parsePort } from '../input/parse-options.ts';
import { defaultStore, storeKind } from '../open-store.ts';
import { counted } from '../output/counted.ts';
import type { Begin } from '../program.ts';
import { fillSample } from '../sample/fill-sample.ts';
import { serveStore, type Serving } from '../serve-store.ts';
import type { Shell } from '../shell.ts';
import { addWatchOptions, watchBeside, type BesideOptions } from '../watch/watch-beside.ts';

interface Options extends BesideOptions {
  readonly port: string;
}

/** Where the sample is. */
const sampleStore = 'data/orders.db';

/** `daybook start`, which is `npm start` of a clone: a server with orders in it, and what to type next. */
export function registerStart(program: Command, begin: Begin): void {
  const starting = program
    .command('start', { hidden: true })
    .description('Serves a store with the events of some orders, for this machine only, and says what to type next.')
    .option('-p, --port <port>', 'where to listen, or 0 for any port that is free', '2113');
  addWatchOptions(starting).action(async (options: Options, command: Command) => {
    const shell = begin(command);
    const wanted = parsePort(options.port);
    const location = shell.location === defaultStore ? sampleStore : shell.location;
    if (storeKind(location) === 'file') await mkdir(dirname(location), { recursive: true });
    await using store = await shell.open('create', location);
    shell.say('Looking after the sample: one golden order and 2,000 others…');
    const added = await fillSample(store);
    if (added > 0) shell.say(`${counted(added, 'event')} appended.`);
    await using _ = watchBeside(shell, store, options);
    await serveStore(store, {
      port: wanted,
      signal: shell.signal,
      onServing: async (serving) => {
        await greet(shell, location, serving);
        process.send?.('serving'); // To the program that started this one and waits for it, as the example shop does.
      },
    });
  });
}

async function greet(shell: Shell, location: string, { connectionString }: Serving): Promise<void> {
  const file = relative('.', location);
  const bold = (text: string): string => shell.terminal.style('bold', text);
  await shell.terminal.write(`
Daybook serves ${bold(file)}, for this machine only, without passwords.
Official clients of KurrentDB connect to

  ${bold(connectionString)}

Type next, in another terminal:

  npx daybook read CustomerOrder-123456789 --store ${file}
  npx daybook tail '$ce-CustomerOrder' --store ${file}
  npx daybook append CustomerOrder-1 --type OrderCreated --data '{"total":"12.90"}' --store '${connectionString}'

Ctrl-C stops the server. The events stay in ${file}.
`);
}
