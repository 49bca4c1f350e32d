import type { Command } from 'commander';

import { benchAppend, benchRead, benchSubscribe, type BenchOptions } from '../bench-runs.ts';
import { openScratchStore } from '../bench-store.ts';
import { parseCount } from '../input/parse-options.ts';
import type { Measured } from '../measure.ts';
import type { Begin } from '../program.ts';

interface Options {
  readonly events: string;
  readonly size: string;
  readonly inFlight?: string;
}

type Bench = (options: BenchOptions) => Promise<Measured>;

const benches: readonly { name: string; run: Bench; about: string; events: string; inFlight?: string }[] = [
  {
    name: 'append',
    run: benchAppend,
    about: 'Appends of one event, each durable when it is answered.',
    events: '20000',
    inFlight: '64',
  },
  { name: 'read', run: benchRead, about: 'A read of all events. The times are those of pages.', events: '100000' },
  {
    name: 'subscribe',
    run: benchSubscribe,
    about: 'The time from an append to its event at a subscriber.',
    events: '1000',
  },
];

/** `daybook bench …`: how fast this is here. */
export function registerBench(program: Command, begin: Begin): void {
  const bench = program
    .command('bench')
    .summary('measure on this disk')
    .description(
      'Measures on a new store beside the one that --store names, and deletes it. On a server: on the server.',
    );
  for (const { name, run, about, events, inFlight } of benches) {
    const command = bench
      .command(name)
      .description(about)
      .option('-n, --events <count>', 'how many', events)
      .option('--size <bytes>', 'of the data of an event', '256');
    if (inFlight !== undefined) command.option('--in-flight <count>', 'appends that wait at a time', inFlight);
    command.action(async (options: Options) => {
      const shell = begin(command);
      await using scratch = await openScratchStore(shell.location, 'bench');
      const result = await run({
        store: scratch.store,
        events: parseCount(options.events, '--events'),
        sizeBytes: parseCount(options.size, '--size', 2),
        inFlight: parseCount(options.inFlight ?? '64', '--in-flight'),
        signal: shell.signal,
        progress: () => shell.progress('events'),
      });
      await shell.printOne({ bench: name, ...result });
    });
  }
}
