import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import type { Place } from './checkpoint.ts';
import type { StartAt } from './consumer.ts';
import { ConsumerIsNew } from './errors.ts';
import { checkpointStreamOf } from './names.ts';

/**
 * Where a consumer begins that has no checkpoint.
 *
 * @throws ConsumerIsNew when it does not say so.
 * @throws InvalidOption when its number lies behind the end of its source.
 */
export async function startPlace(
  store: EventStore,
  { source, consumer }: Place,
  startAt: StartAt | undefined,
): Promise<{ readonly pos: bigint; readonly eventId: undefined }> {
  if (startAt === undefined) throw new ConsumerIsNew(consumer, source, checkpointStreamOf(source, consumer));
  if (startAt === 'beginning') return { pos: -1n, eventId: undefined };
  const end = (await store.streamState(source)).revision ?? -1n;
  if (startAt === 'now') return { pos: end, eventId: undefined };
  if (typeof startAt === 'bigint') {
    if (startAt < -1n || startAt > end) {
      throw new InvalidOption('startAt', `${startAt} is no number of ${source}, which ends at ${end}`);
    }
    return { pos: startAt, eventId: undefined };
  }
  for await (const event of store.readStream(source, { from: startAt, limit: 1 })) {
    return { pos: (event.link?.revision ?? event.revision) - 1n, eventId: undefined };
  }
  return { pos: end, eventId: undefined };
}
