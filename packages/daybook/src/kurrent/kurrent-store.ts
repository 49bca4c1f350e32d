import { paged } from '../internal/paged.ts';
import { checkLimits } from '../store/check-options.ts';
import { NotSupported } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import { defaultLimits, type Limits } from '../store/limits.ts';
import type { CategorySummary, EventTypeSummary, LogHead, Paged } from '../store/options.ts';
import { appendAll } from './append-all.ts';
import { append } from './append.ts';
import { opened, type KurrentClient } from './client.ts';
import { Connection } from './connection.ts';
import { deleteStream } from './delete-stream.ts';
import { listStreams } from './list-streams.ts';
import { readAll, readStream } from './read.ts';
import { streamState } from './stream-state.ts';
import { subscribeToAll, subscribeToStream } from './subscribe.ts';

export interface KurrentStoreOptions {
  /** Sizes to send. The server has its own. Default: those of `defaultLimits`. */
  readonly limits?: Partial<Limits> | undefined;
  /** How long a write waits for its answer before its outcome is unknown, in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * The events of a KurrentDB or EventStoreDB, or of a Daybook server, through the official client. The caller keeps the
 * client and disposes of it after the store.
 *
 * What the protocol does not have throws `NotSupported`: `created` of an imported event, listings of categories and event
 * types, `appendAll` where client or server are too old. Reads from a time read what is before it, too, and leave it
 * out; system streams are listed by reading all their events. What it does not tell: `logId` and `epoch`; the position of a deleted stream's last event; what a tombstone covers; and whether an append was
 * a repeat, which this finds out by position, from what it has seen since its first append.
 *
 * @throws InvalidOption when `client` is not one that this version knows.
 */
export function kurrentStore(client: KurrentClient, options: KurrentStoreOptions = {}): EventStore {
  const limits = { ...defaultLimits, ...options.limits };
  checkLimits(limits);
  const connection = new Connection(opened(client), limits, options.timeoutMs ?? 10_000);
  return {
    guessesOutcome: true,
    append: (stream, events, each) => append(connection, stream, events, each),
    appendAll: (appends, each) => appendAll(connection, appends, each),
    deleteStream: (stream, { expected }) => deleteStream(connection, stream, { expected, method: 'deleteStream' }),
    tombstoneStream: (stream, { expected }) =>
      deleteStream(connection, stream, { expected, method: 'tombstoneStream' }),
    readStream: (stream, each) => readStream(connection, stream, each),
    readAll: (each) => readAll(connection, each),
    subscribeToStream: (stream, each) => subscribeToStream(connection, stream, each),
    subscribeToAll: (each) => subscribeToAll(connection, each),
    streamState: (stream) => streamState(connection, stream),
    listStreams: (each) => listStreams(connection, each),
    listCategories: () => notListed<CategorySummary>('list categories'),
    listEventTypes: () => notListed<EventTypeSummary>('list event types'),
    head: () => head(connection),
    [Symbol.asyncDispose]: async () => connection.close(),
  };
}

function notListed<Item>(feature: string): Paged<Item> {
  // oxlint-disable-next-line require-yield -- It has nothing to give.
  return paged<Item>(async function* () {
    throw new NotSupported(feature, 'The protocol of KurrentDB');
  });
}

async function head(connection: Connection): Promise<LogHead> {
  const [last] = await Array.fromAsync(readAll(connection, { direction: 'backwards', limit: 1 }));
  if (last === undefined) return {};
  connection.seen.note(last.position);
  return { position: last.position };
}
