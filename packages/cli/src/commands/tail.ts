import type { Command } from 'commander';
import {
  streamName,
  type EventStore,
  type Position,
  type RecordedEvent,
  type Revision,
  type StreamName,
  type Subscription,
} from 'daybook';

import { parseFilter, type FilterOptions } from '../input/parse-filter.ts';
import { parseCount, parsePlace, collected } from '../input/parse-options.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';
import { eventRows, kindOf } from './read.ts';

interface Options extends FilterOptions {
  readonly after: string;
  readonly limit?: string;
  readonly resolveLinks: boolean;
}

/** `daybook tail`: events as they are appended. */
export function registerTail(program: Command, begin: Begin): void {
  program
    .command('tail')
    .summary('follow a stream')
    .description('Shows events as they are appended, until Ctrl-C. The stream need not exist yet.')
    .argument('<stream>', "such as CustomerOrder-123456789, or '$all'")
    .option('-a, --after <place>', 'start, end, or the last revision (of $all: position) that you have seen', 'end')
    .option('-n, --limit <count>', 'stop after this many events')
    .option('-t, --type <type>', 'only events of this type; may be given again', collected)
    .option('--category <category>', "of '$all': only events of this category; may be given again", collected)
    .option('--no-resolve-links', 'of a derived stream, give the links themselves')
    .action(async (name: string, options: Options, command: Command) => {
      const shell = begin(command);
      const stream = streamName(name);
      const limit = options.limit === undefined ? Infinity : parseCount(options.limit, '--limit');
      await using store = await shell.open('existing');
      const subscription = subscribe(store, { stream, options, signal: shell.signal });
      const rows = eventRows(events(subscription, { shell, stream, limit, types: options.type }), kindOf(stream));
      await shell.print({ ...rows, isLive: true });
    });
}

function subscribe(
  store: EventStore,
  { stream, options, signal }: { stream: StreamName; options: Options; signal: AbortSignal },
): Subscription {
  const after = parsePlace(options.after, '--after');
  const filter = parseFilter(stream, options);
  if (stream === '$all') {
    return store.subscribeToAll({ after: after as Position | 'start' | 'end', filter, signal });
  }
  const links = options.resolveLinks ? ('resolve' as const) : ('keep' as const);
  return store.subscribeToStream(stream, { after: after as Revision | 'start' | 'end', links, signal });
}

async function* events(
  subscription: Subscription,
  tail: { shell: Shell; stream: StreamName; limit: number; types: readonly string[] | undefined },
): AsyncGenerator<readonly RecordedEvent[], void, undefined> {
  const { shell, stream, limit, types } = tail;
  let left = limit;
  for await (const messages of subscription.pages()) {
    const page = messages
      .flatMap((message) => (message.kind === 'event' ? [message.event] : []))
      .filter(({ type }) => types === undefined || types.includes(type))
      .slice(0, left);
    if (page.length > 0) yield page;
    left -= page.length;
    if (left === 0) return;
    if (messages.some(({ kind }) => kind === 'caught-up')) {
      shell.say(`Caught up. Waiting for events in ${stream}; Ctrl-C ends it.`);
    }
  }
}
