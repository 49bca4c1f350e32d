import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { Command } from 'commander';
import { streamName } from 'daybook';
import {
  alertmanagerTarget,
  logTarget,
  slackTarget,
  watchConsumers,
  type AlertTarget,
  type ExpectedConsumer,
  type WatchReport,
} from 'daybook/consumer';

import { expectedConsumers } from '../config/expected-consumers.ts';
import { defaultConfig, findConfig } from '../config/load-config.ts';
import { Failure, usage } from '../failure.ts';
import { parseCount, parseDuration, collected } from '../input/parse-options.ts';
import { counted } from '../output/counted.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';

interface Options {
  readonly every: string;
  readonly expect?: readonly string[];
  readonly slack?: readonly string[];
  readonly alertmanager?: readonly string[];
  readonly maxLag?: string;
  readonly maxLagTime?: string;
  readonly maxUnverified?: string;
  readonly once?: true;
  readonly config?: string | false;
}

/** `daybook watch`: telling somebody when a consumer needs help. */
export function registerWatch(program: Command, begin: Begin): void {
  program
    .command('watch')
    .summary('watch consumers, and raise alerts')
    .description(
      'Watches every consumer and read model from outside, and says when one has failed, stalls, is silent, ' +
        'was never started, or differs from its log; and when that is over. ' +
        `Those that ${defaultConfig} names have to be there, and the databases that it names are asked how far they ` +
        'are. Needs no running consumer, and may run many times.',
    )
    .option('--every <duration>', 'look so often', '5s')
    .option(
      '--expect <consumer=source>',
      'a consumer that has to be there: EmailOnOrderShipped=$et-OrderShipped; may be given again',
      collected,
    )
    .option('--config <module>', 'the module that names those that have to be there')
    .option('--no-config', 'look at the log alone')
    .option('--slack <url>', 'tell a webhook that takes what those of Slack do; may be given again', collected)
    .option('--alertmanager <url>', "tell Prometheus' Alertmanager: its /api/v2/alerts; may be given again", collected)
    .option('--max-lag <events>', 'more events than these may not wait')
    .option('--max-lag-time <duration>', 'the oldest event may not wait for longer')
    .option('--max-unverified <duration>', 'a read model may go for so long without being compared with its log')
    .option('--once', 'look once, for cron: ends with 8 when an alert fires')
    .action(async (options: Options, command: Command) => {
      const shell = begin(command);
      const everyMs = parseDuration(options.every, '--every');
      const config = await findConfig(options);
      await using store = await shell.open('existing');
      const { maxLag, maxLagTime, maxUnverified } = options;
      await using watch = watchConsumers(store, {
        everyMs,
        targets: targetsOf(shell, options),
        expect: [...(options.expect ?? []).map(expected), ...(await expectedConsumers(config, store))],
        lagEvents: maxLag === undefined ? undefined : parseCount(maxLag, '--max-lag'),
        lagMs: maxLagTime === undefined ? undefined : parseDuration(maxLagTime, '--max-lag-time'),
        unverifiedMs: maxUnverified === undefined ? undefined : parseDuration(maxUnverified, '--max-unverified'),
        databaseAwayMs: options.once === true ? 0 : undefined,
        signal: shell.signal,
      });
      if (options.once !== true) {
        shell.say(`Watching every ${options.every}; Ctrl-C ends it.`);
        const tell = (report: unknown): void => {
          for (const problem of (report as WatchReport).problems) shell.say(String(problem)); // Of the watch above.
        };
        // A database that goes away may throw where nobody can catch it: in a pool that the config's owner listens to not.
        const goOn = (error: unknown): void => shell.say(`A module of the config has failed: ${String(error)}`);
        subscribe('daybook:watch', tell);
        process.on('uncaughtException', goOn);
        await watch.done;
        process.off('uncaughtException', goOn);
        unsubscribe('daybook:watch', tell);
        return;
      }
      const { firing, consumers, problems } = await watch.look();
      for (const problem of problems) throw problem;
      shell.say(`${counted(consumers.length, 'consumer')}, ${counted(firing.length, 'alert')}`);
      if (firing.length > 0) throw new Failure('check-failed', 8, firing.map(({ summary }) => summary).join(' '));
    });
}

function targetsOf(shell: Shell, { slack = [], alertmanager = [] }: Options): readonly AlertTarget[] {
  const line = logTarget((text) => void shell.terminal.write(`${new Date().toISOString()} ${text}\n`));
  return [
    line,
    ...slack.map((url, i) => slackTarget({ url: checkedUrl(url), name: `slack ${i + 1}` })),
    ...alertmanager.map((url, i) => alertmanagerTarget({ url: checkedUrl(url), name: `alertmanager ${i + 1}` })),
  ];
}

function expected(text: string): ExpectedConsumer {
  const [name = '', source = ''] = text.split(/=(.*)/s);
  if (name === '' || source === '') {
    throw usage(`--expect ${text} says nothing: give CONSUMER=SOURCE, such as Shipping=$et-AwaitingShipment.`);
  }
  return { name, sources: [{ stream: streamName(source) }] };
}

function checkedUrl(text: string): URL {
  if (!URL.canParse(text)) throw usage(`${text} is no address: give https://….`);
  return new URL(text);
}
