import type { Command } from 'commander';
import type { EventStore } from 'daybook';
import { watchConsumers } from 'daybook/consumer';

import { parseInterval } from '../input/parse-options.ts';
import type { Shell } from '../shell.ts';
import { sayProblems } from './say-problems.ts';
import { addAlertOptions, expectedIn, targetsOf, type AlertOptions } from './targets.ts';

/** The options of a command that watches while it does something else. */
export interface BesideOptions extends AlertOptions {
  readonly watch: boolean;
  readonly watchEvery: string;
}

/** Adds them. */
export function addWatchOptions(command: Command): Command {
  return addAlertOptions(command)
    .option('--no-watch', 'raise no alerts about consumers and read models')
    .option('--watch-every <duration>', 'look at them so often; what is wrong twice in a row raises an alert', '5s');
}

/**
 * Watches the consumers and read models of a store while something else goes on, unless that was not wanted. Alerts go
 * to standard error and into the log. It reads the log alone: whoever serves a store runs no code of its users.
 */
export function watchBeside(shell: Shell, store: EventStore, options: BesideOptions): AsyncDisposable {
  const beside = new AsyncDisposableStack();
  if (!options.watch) return beside;
  const everyMs = parseInterval(options.watchEvery, '--watch-every');
  beside.use(sayProblems(shell));
  const watch = watchConsumers(store, {
    everyMs,
    pendingForMs: everyMs, // Those who are started together with this one have not begun at the first look.
    targets: targetsOf(options, (text) => shell.terminal.say(text)),
    expect: expectedIn(options),
    signal: shell.signal,
  });
  beside.use(watch);
  return beside;
}
