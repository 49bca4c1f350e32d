import type { Command } from 'commander';
import {
  derivedStream,
  streamName,
  type EventRead,
  type EventStore,
  type Position,
  type RecordedEvent,
  type Revision,
  type StreamName,
} from 'daybook';

import { notFound, usage } from '../failure.ts';
import { placedEventLine } from '../input/event-line.ts';
import { parseFilter, type FilterOptions } from '../input/parse-filter.ts';
import { parseCount, parsePlace, parseTime, collected } from '../input/parse-options.ts';
import { counted } from '../output/counted.ts';
import { eventColumns, type ReadOf } from '../output/event-columns.ts';
import type { RowsToPrint } from '../output/print-rows.ts';
import type { Begin } from '../program.ts';

interface Options extends FilterOptions {
  readonly from?: string;
  readonly since?: string;
  readonly backwards?: true;
  readonly limit?: string;
  readonly resolveLinks: boolean;
}

/** `daybook read`: the events of a stream, of a derived stream, or of all streams. */
export function registerRead(program: Command, begin: Begin): void {
  program
    .command('read')
    .summary('read the events of a stream')
    .description(
      'Reads the events of a stream. Of all streams with $all, of a category with $ce-CustomerOrder, of an event type ' +
        "with $et-OrderShipped, of a correlation id with $bc-…. (Put them in quotes: '$all'.)",
    )
    .argument('<stream>', "such as CustomerOrder-123456789, or '$all'")
    .option('-f, --from <place>', 'start, end (the last event), a revision, or of $all a position')
    .option('--since <time>', 'begin with what was created at a time: 2026-11-23, or 2h ago')
    .option('-b, --backwards', 'the newest first')
    .option('-n, --limit <count>', 'at most this many events')
    .option('-t, --type <type>', 'only events of this type; may be given again', collected)
    .option('--category <category>', "of '$all': only events of this category; may be given again", collected)
    .option('--no-resolve-links', 'of a derived stream, give the links themselves')
    .action(async (name: string, options: Options, command: Command) => {
      const shell = begin(command);
      const stream = streamName(name);
      const { signal } = shell;
      await using store = await shell.open('existing');
      const read = readOf(store, { stream, options, signal });
      const count = await shell.print(eventRows(read, kindOf(stream)));
      if (count === 0 && stream !== '$all') await checkExists(store, stream);
      if (shell.format === 'table') shell.say(counted(count, 'event'));
    });
}

/** Whether rows must show where an event comes from. */
export function kindOf(stream: StreamName): ReadOf {
  if (stream === '$all') return 'all';
  return derivedStream(stream) === undefined ? 'stream' : 'derived';
}

/** Events as rows to print. */
export function eventRows(pages: AsyncIterable<readonly RecordedEvent[]>, of: ReadOf): RowsToPrint<RecordedEvent> {
  return { rows: pages, columns: eventColumns(of), json: placedEventLine };
}

/** The pages of a read, with the types that were asked for. */
function readOf(
  store: EventStore,
  { stream, options, signal }: { stream: StreamName; options: Options; signal: AbortSignal },
): AsyncIterable<readonly RecordedEvent[]> {
  if (options.from !== undefined && options.since !== undefined) throw usage('--from and --since name two beginnings.');
  const from =
    options.since === undefined
      ? options.from && parsePlace(options.from, '--from')
      : parseTime(options.since, '--since');
  const limit = options.limit === undefined ? undefined : parseCount(options.limit, '--limit', 0);
  const direction = options.backwards === true ? ('backwards' as const) : ('forwards' as const);
  const types = options.type;
  const filter = parseFilter(stream, options);
  if (stream === '$all') {
    return store.readAll({ from: from as Position | 'start' | 'end' | Date, direction, limit, filter, signal }).pages();
  }
  const links = options.resolveLinks ? ('resolve' as const) : ('keep' as const);
  const shared = { from: from as Revision | 'start' | 'end' | Date, direction, links, signal };
  if (types === undefined) return store.readStream(stream, { ...shared, limit }).pages();
  return ofTypes(store.readStream(stream, shared), new Set(types), limit ?? Infinity);
}

async function* ofTypes(
  read: EventRead,
  types: ReadonlySet<string>,
  limit: number,
): AsyncGenerator<readonly RecordedEvent[], void, undefined> {
  let left = limit;
  if (left === 0) return;
  for await (const page of read.pages()) {
    const matching = page.filter(({ type }) => types.has(type)).slice(0, left);
    if (matching.length > 0) yield matching;
    left -= matching.length;
    if (left === 0) return;
  }
}

/** Throws unless there is such a stream: reading nothing and reading a wrong name look the same. */
export async function checkExists(store: EventStore, stream: StreamName): Promise<void> {
  const { status } = await store.streamState(stream);
  if (status === 'no-stream') throw notFound(`There is no stream ${stream}. See daybook streams.`);
  if (status === 'deleted') throw notFound(`Stream ${stream} is deleted. An append would bring it back.`);
}
