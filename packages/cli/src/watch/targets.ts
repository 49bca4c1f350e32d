import type { Command } from 'commander';
import { streamName } from 'daybook';
import { alertmanagerTarget, logTarget, slackTarget, type AlertTarget, type ExpectedConsumer } from 'daybook/consumer';

import { usage } from '../failure.ts';
import { collected } from '../input/parse-options.ts';

/** What people say about whom to watch, and whom to tell. */
export interface AlertOptions {
  readonly expect?: readonly string[];
  readonly slack?: readonly string[];
  readonly alertmanager?: readonly string[];
}

/** Adds the options of a command that raises alerts. */
export function addAlertOptions(command: Command): Command {
  return command
    .option(
      '--expect <consumer=source>',
      'a consumer that has to be there: EmailOnOrderShipped=$et-OrderShipped; may be given again',
      collected,
    )
    .option('--slack <url>', 'tell a webhook that takes what those of Slack do; may be given again', collected)
    .option('--alertmanager <url>', "tell Prometheus' Alertmanager: its /api/v2/alerts; may be given again", collected);
}

/** Where alerts go: lines, and what else was asked for. */
export function targetsOf(
  { slack = [], alertmanager = [] }: AlertOptions,
  write: (text: string) => void,
): readonly AlertTarget[] {
  return [
    logTarget((text) => write(`${new Date().toISOString()} ${text}\n`)),
    ...slack.map((url, i) => slackTarget({ url: checkedUrl(url), name: `slack ${i + 1}` })),
    ...alertmanager.map((url, i) => alertmanagerTarget({ url: checkedUrl(url), name: `alertmanager ${i + 1}` })),
  ];
}

/** The consumers that `--expect` names. */
export function expectedIn({ expect = [] }: AlertOptions): readonly ExpectedConsumer[] {
  return expect.map((text) => {
    const [name = '', source = ''] = text.split(/=(.*)/s);
    if (name === '' || source === '') {
      throw usage(`--expect ${text} says nothing: give CONSUMER=SOURCE, such as Shipping=$et-AwaitingShipment.`);
    }
    return { name, sources: [{ stream: streamName(source) }] };
  });
}

function checkedUrl(text: string): URL {
  if (!URL.canParse(text)) throw usage(`${text} is no address: give https://….`);
  return new URL(text);
}
