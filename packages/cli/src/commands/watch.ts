import type { Command } from 'commander';
import { watchConsumers } from 'daybook/consumer';

import { expectedConsumers } from '../config/expected-consumers.ts';
import { defaultConfig, findConfig } from '../config/load-config.ts';
import { Failure } from '../failure.ts';
import { parseCount, parseDuration, parseInterval } from '../input/parse-options.ts';
import { counted } from '../output/counted.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';
import { sayProblems } from '../watch/say-problems.ts';
import { addAlertOptions, expectedIn, targetsOf, type AlertOptions } from '../watch/targets.ts';

interface Options extends AlertOptions {
  readonly every: string;
  readonly maxLag?: string;
  readonly maxLagTime?: string;
  readonly maxUnverified?: string;
  readonly once?: true;
  readonly config?: string | false;
}

/** `daybook watch`: telling somebody when a consumer needs help. */
export function registerWatch(program: Command, begin: Begin): void {
  const watching = program
    .command('watch')
    .summary('watch consumers, and raise alerts')
    .description(
      'Watches every consumer and read model from outside, and says when one has failed, stalls, is silent, ' +
        'was never started, or differs from its log; and when that is over. ' +
        `Those that ${defaultConfig} names have to be there, and the databases that it names are asked how far they ` +
        'are. Needs no running consumer, and may run many times.',
    )
    .option('--every <duration>', 'look so often', '5s');
  addAlertOptions(watching)
    .option('--config <module>', 'the module that names those that have to be there')
    .option('--no-config', 'look at the log alone')
    .option('--max-lag <events>', 'more events than these may not wait')
    .option('--max-lag-time <duration>', 'the oldest event may not wait for longer')
    .option('--max-unverified <duration>', 'a read model may go for so long without being compared with its log')
    .option('--once', 'look once, for cron: ends with 8 when an alert fires')
    .action(async (options: Options, command: Command) => {
      const shell = begin(command);
      const everyMs = parseInterval(options.every, '--every');
      const config = await findConfig(options);
      await using store = await shell.open('existing');
      const { maxLag, maxLagTime, maxUnverified } = options;
      await using watch = watchConsumers(store, {
        everyMs,
        targets: targetsOf(options, (text) => void shell.terminal.write(text)),
        expect: [...expectedIn(options), ...(await expectedConsumers(config, store))],
        lagEvents: maxLag === undefined ? undefined : parseCount(maxLag, '--max-lag'),
        lagMs: maxLagTime === undefined ? undefined : parseDuration(maxLagTime, '--max-lag-time'),
        unverifiedMs: maxUnverified === undefined ? undefined : parseDuration(maxUnverified, '--max-unverified'),
        databaseAwayMs: options.once === true ? 0 : undefined,
        signal: shell.signal,
      });
      if (options.once !== true) {
        shell.say(`Watching every ${options.every}; Ctrl-C ends it.`);
        using beside = new DisposableStack();
        beside.use(sayProblems(shell));
        if (config !== undefined) beside.use(goOnAfterFailures(shell));
        await watch.done;
        return;
      }
      const { firing, consumers, problems } = await watch.look();
      for (const problem of problems) throw problem;
      shell.say(`${counted(consumers.length, 'consumer')}, ${counted(firing.length, 'alert')}`);
      if (firing.length > 0) throw new Failure('check-failed', 8, firing.map(({ summary }) => summary).join(' '));
    });
}

/**
 * A database that goes away may throw where nobody can catch it: in a pool that the owner of the config does not listen
 * to. Says so, and goes on.
 */
function goOnAfterFailures(shell: Shell): Disposable {
  const goOn = (error: unknown): void => shell.say(`A module of the config has failed: ${String(error)}`);
  process.on('uncaughtException', goOn);
  return { [Symbol.dispose]: () => void process.off('uncaughtException', goOn) };
}
