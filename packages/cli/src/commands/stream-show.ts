import type { Command } from 'commander';
import {
  categoryOf,
  streamName,
  type EventStore,
  type StreamMetadata,
  type StreamName,
  type StreamState,
} from 'daybook';

import { notFound } from '../failure.ts';
import { counted } from '../output/counted.ts';
import type { Begin } from '../program.ts';

/** `daybook stream show`: where a stream stands. */
export function registerStreamShow(stream: Command, begin: Begin): void {
  stream
    .command('show')
    .description('Says how many events a stream has, where it stands, and what its metadata say.')
    .argument('<stream>')
    .action(async (text: string, _options: unknown, command: Command) => {
      const shell = begin(command);
      const name = streamName(text);
      await using store = await shell.open('existing');
      const state = await store.streamState(name);
      if (state.status === 'no-stream') throw notFound(`There is no stream ${name}. See daybook streams.`);
      const { revision, position, firstRevision, metadata, status } = state;
      const events = eventsIn(state);
      await shell.printOne({
        stream: name,
        category: categoryOf(name),
        status,
        events: shell.format === 'table' ? counted(events, 'event') : events,
        firstRevision,
        revision,
        position,
        ...(await timesOf(store, name, events)),
        metadata: storedWords(metadata),
      });
    });
}

/** How many events there are that a read gives, those aside that became too old in between. */
function eventsIn({ revision, firstRevision }: StreamState): bigint {
  return revision === undefined || firstRevision === undefined ? 0n : revision - firstRevision + 1n;
}

/** When the first and the last event were created. */
async function timesOf(store: EventStore, stream: StreamName, events: bigint): Promise<Record<string, unknown>> {
  if (events === 0n) return {};
  const [first] = await Array.fromAsync(store.readStream(stream, { limit: 1 }));
  const [last] = await Array.fromAsync(store.readStream(stream, { limit: 1, direction: 'backwards' }));
  return { firstCreated: first?.created.toISOString(), lastCreated: last?.created.toISOString() };
}

/** Metadata in the words in which they are stored. */
function storedWords({ maxCount, maxAgeMs, truncateBefore, cacheControlMs, acl, custom }: StreamMetadata): object {
  return {
    ...custom,
    $maxCount: maxCount,
    $maxAge: maxAgeMs && maxAgeMs / 1_000,
    $tb: truncateBefore,
    $cacheControl: cacheControlMs && cacheControlMs / 1_000,
    $acl: acl,
  };
}
