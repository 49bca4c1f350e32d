import { streamName, type EventStore, type StreamName } from 'daybook';
import { NoSuchConsumer, readStatus, type Place } from 'daybook/consumer';

import { Failure, usage } from '../failure.ts';

/** The sources of a consumer: the one that is named, or those that it has said to have. */
export async function sourcesOf(
  store: EventStore,
  consumer: string,
  source: string | undefined,
): Promise<readonly StreamName[]> {
  if (source !== undefined) return [streamName(source)];
  const status = await readStatus(store, consumer);
  if (status === undefined) throw new NoSuchConsumer(consumer);
  return status.sources.map(({ stream }) => streamName(stream));
}

/** Where a checkpoint is to be set. One number means something in one source only. */
export async function placesToSet(
  store: EventStore,
  consumer: string,
  { source, to }: { readonly source: string | undefined; readonly to: bigint | 'start' | 'end' | Date },
): Promise<readonly Place[]> {
  const status = await readStatus(store, consumer);
  if (status?.kind === 'read-model') {
    throw new Failure(
      'refused',
      10,
      `${consumer} is a read model: its checkpoint stands beside its rows. Use daybook model repair or rebuild.`,
    );
  }
  const sources = await sourcesOf(store, consumer, source);
  if (sources.length > 1 && typeof to === 'bigint') {
    throw usage(`${consumer} follows ${sources.join(' and ')}: say which with --source, or give a time.`);
  }
  return sources.map((stream) => ({ source: stream, consumer }));
}
