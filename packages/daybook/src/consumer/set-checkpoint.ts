import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import { revision, type Revision } from '../store/position.ts';
import { checkCheckpoint } from './check-checkpoint.ts';
import { appendCheckpoint, checkpointHistory, readCheckpoint, type Checkpoint, type Place } from './checkpoint.ts';
import { requestControl, type Reason } from './control.ts';
import { NoCheckpoint } from './errors.ts';
import { codeOf, isConflict } from './failures.ts';
import { checkpointStreamOf } from './names.ts';

/** Where to set a checkpoint: the number of the last event that counts as handled, -1 for none, an end, or a time. */
export type SetTo = bigint | 'start' | 'end' | Date;

/** What setting a checkpoint did, or would do. */
export interface CheckpointChange {
  readonly source: string;
  readonly from: bigint | undefined;
  readonly to: bigint;
  /** Events that will be given again, or, when negative, that will never be given. */
  readonly events: bigint;
}

/** A running consumer may write its own checkpoint at the same moment: so often it is tried again. */
const attempts = 50;

/**
 * What `setCheckpoint` would do.
 *
 * @throws CheckpointAheadOfLog when the source does not go so far.
 */
export async function planCheckpoint(store: EventStore, place: Place, to: SetTo): Promise<CheckpointChange> {
  const { change } = await plan(store, place, to);
  return change;
}

/**
 * Sets the checkpoint of a consumer in a source, and says who did so and why. A consumer that is running goes on from
 * there at once; events that it was handling are handled to their end.
 *
 * @throws CheckpointAheadOfLog when the source does not go so far.
 * @throws InvalidOption without a who and a why.
 */
export async function setCheckpoint(
  store: EventStore,
  place: Place,
  { to, who, why }: Reason & { readonly to: SetTo },
): Promise<CheckpointChange> {
  if (why.trim() === '') throw new InvalidOption('why', 'say why, for those who come after');
  for (let attempt = 1; ; attempt += 1) {
    const { checkpoint, change, last } = await plan(store, place, to);
    try {
      const expected = last?.revision ?? 'no-stream';
      await appendCheckpoint(store, place, { checkpoint: { ...checkpoint, who, why }, expected });
      const places = [{ source: place.source, pos: checkpoint.pos }];
      await requestControl(store, place.consumer, { kind: 'rewind', places, who, why });
      return change;
    } catch (error) {
      if (!isConflict(error) || attempt === attempts) throw error;
    }
  }
}

/**
 * Goes back to the checkpoint before the last one that a person has set.
 *
 * @throws NoCheckpoint when no person has set one, or what was before it is not kept any more.
 */
export async function undoCheckpoint(store: EventStore, place: Place, reason: Reason): Promise<CheckpointChange> {
  let isNext = false;
  for await (const checkpoint of checkpointHistory(store, place)) {
    if (isNext) return setCheckpoint(store, place, { ...reason, to: checkpoint.pos });
    isNext = checkpoint.who !== undefined;
  }
  const stream = checkpointStreamOf(place.source, place.consumer);
  throw new NoCheckpoint(stream, 'is none that a person has set, or nothing before it');
}

async function plan(
  store: EventStore,
  place: Place,
  to: SetTo,
): Promise<{ checkpoint: Checkpoint; change: CheckpointChange; last: Last | undefined }> {
  const last = await lastOf(store, place);
  const pos = await numberOf(store, place, to);
  const { logId, epoch } = await store.head();
  const event = await eventAt(store, place, pos);
  const checkpoint = { pos, eventId: event?.id, logId, epoch, token: last?.token, at: new Date().toISOString() };
  await checkCheckpoint(store, place, checkpoint);
  const from = last?.pos;
  return { checkpoint, last, change: { source: place.source, from, to: pos, events: (from ?? -1n) - pos } };
}

interface Last {
  readonly revision: Revision;
  readonly pos?: bigint;
  readonly token?: number | undefined;
}

/** The last checkpoint. One that cannot be read is only a place: setting another is the way out of that. */
async function lastOf(store: EventStore, place: Place): Promise<Last | undefined> {
  try {
    return await readCheckpoint(store, place);
  } catch (error) {
    if (codeOf(error) !== 'checkpoint-unreadable') throw error;
    const { revision: last } = await store.streamState(checkpointStreamOf(place.source, place.consumer));
    return last === undefined ? undefined : { revision: last };
  }
}

async function numberOf(store: EventStore, { source }: Place, to: SetTo): Promise<bigint> {
  if (to === 'start') return -1n;
  if (typeof to === 'bigint') {
    if (to < -1n) throw new InvalidOption('to', `${to} is no number of an event, nor -1 for none`);
    return to;
  }
  const end = (await store.streamState(source)).revision ?? -1n;
  if (to === 'end') return end;
  for await (const event of store.readStream(source, { from: to, limit: 1 })) return numberIn(event) - 1n;
  return end;
}

async function eventAt(store: EventStore, { source }: Place, pos: bigint): Promise<RecordedEvent | undefined> {
  if (pos < 0n) return undefined;
  for await (const event of store.readStream(source, { from: revision(pos), limit: 1 })) {
    if (numberIn(event) === pos) return event;
  }
  return undefined;
}

function numberIn(event: RecordedEvent): bigint {
  return event.link?.revision ?? event.revision;
}
